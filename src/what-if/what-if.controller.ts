import { Controller, Get, Param } from '@nestjs/common';
import type { z } from 'zod';
import { ApiProblems } from '../http/api-problems.decorator.js';
import { ApiOkResponse, ApiOperation, ApiParam, ApiTags } from '../http/open-api.js';
import { ValidQuery } from '../http/validated.decorator.js';
import { TaskRegistry } from '../tasks/task-registry.js';
import { whatIfQuerySchema, whatIfSchema } from './what-if.schemas.js';
import { WhatIfs } from './what-ifs.js';

@ApiTags('Tasks')
@Controller('tasks')
export class WhatIfController {
  constructor(
    private readonly registry: TaskRegistry,
    private readonly whatIfs: WhatIfs,
  ) {}

  @Get(':name/stats/what-if')
  @ApiOperation({
    operationId: 'getTaskWhatIf',
    summary: 'Show what another start rule would have come to',
    description:
      'Replays the newest finished runs of a task from the journal with another start rule and another hedge budget: how long callers would have waited, and how many more sub-tasks would have started. `confidence` says how much of that is on record. A process answers one question of this kind at a time, and gives the same answer for 10 s.',
  })
  @ApiParam({ name: 'name', example: 'demo' })
  @ApiOkResponse({ description: 'What it would have come to', standardSchema: whatIfSchema })
  @ApiProblems('invalid-request', 'task-unknown', 'overloaded', 'journal-unavailable')
  show(
    @Param('name') name: string,
    @ValidQuery(whatIfQuerySchema) { start, budget, runs }: z.output<typeof whatIfQuerySchema>,
  ): Promise<z.input<typeof whatIfSchema>> {
    const task = this.registry.get(name);
    return this.whatIfs.answer(task, { start, hedgeBudget: budget ?? task.hedgeBudget, runs });
  }
}
