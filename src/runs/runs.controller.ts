import { Controller, Get, Param } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiParam, ApiTags } from '@nestjs/swagger';
import { ApiProblems } from '../http/api-problems.decorator.js';
import { MemoryJournal } from '../journal/memory-journal.js';
import { DomainError } from '../tasks/domain-error.js';
import type { Run, SubTaskRun } from '../tasks/run.js';
import { runSchema } from './runs.schemas.js';

@ApiTags('Runs')
@Controller('runs')
export class RunsController {
  constructor(private readonly journal: MemoryJournal) {}

  @Get(':id')
  @ApiOperation({
    summary: 'Show a run',
    description: 'The run and its sub-tasks, while it is going on and afterwards.',
  })
  @ApiParam({ name: 'id', example: '019a2b3c-4d5e-7f60-8a9b-0c1d2e3f4a5b' })
  @ApiOkResponse({ description: 'The run', standardSchema: runSchema })
  @ApiProblems('bad-request', 'run-unknown')
  async show(@Param('id') id: string) {
    const run = await this.journal.run(id);
    if (!run)
      throw new DomainError('run-unknown', `There is no run ${JSON.stringify(id)}, or it is kept no more`);
    return view(run);
  }
}

function view(run: Readonly<Run>) {
  const { id, task, status, input, replyPolicy, losers, reply, createdAt, repliedAt, finishedAt } = run;
  const answeredBy = reply && 'answeredBy' in reply ? [reply.answeredBy].flat() : [];
  return {
    id,
    task,
    status,
    input,
    replyPolicy,
    losers,
    reply,
    createdAt,
    repliedAt,
    finishedAt,
    subTasks: run.subTasks.map((subTask: SubTaskRun) => ({
      ...subTask,
      ...(answeredBy.includes(subTask.name) && { answered: true }),
    })),
  };
}
