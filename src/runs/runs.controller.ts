import { Controller, Get, Param } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiParam, ApiTags } from '@nestjs/swagger';
import { ApiProblems } from '../http/api-problems.decorator.js';
import { Journal } from '../journal/journal.js';
import { DomainError } from '../tasks/domain-error.js';
import type { Run } from '../tasks/run.js';
import { EXAMPLE_RUN_ID } from '../tasks/tasks.schemas.js';
import { runSchema } from './runs.schemas.js';

@ApiTags('Runs')
@Controller('runs')
export class RunsController {
  constructor(private readonly journal: Journal) {}

  @Get(':id')
  @ApiOperation({
    summary: 'Show a run',
    description: 'The run and its sub-tasks, while it is going on and afterwards.',
  })
  @ApiParam({ name: 'id', example: EXAMPLE_RUN_ID })
  @ApiOkResponse({ description: 'The run', standardSchema: runSchema })
  @ApiProblems('bad-request', 'run-unknown', 'journal-unavailable')
  async show(@Param('id') id: string) {
    const run = await this.journal.run(id);
    if (!run)
      throw new DomainError('run-unknown', `There is no run ${JSON.stringify(id)}, or it is kept no more`);
    return view(run);
  }
}

function view(run: Readonly<Run>) {
  const answeredBy = run.reply && 'answeredBy' in run.reply ? [run.reply.answeredBy].flat() : [];
  return {
    ...run,
    subTasks: run.subTasks.map((subTask) => ({
      ...subTask,
      ...(answeredBy.includes(subTask.name) && { answered: true }),
    })),
  };
}
