import { Controller, Get, Param } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiParam, ApiTags } from '../http/open-api.js';
import type { z } from 'zod';
import { ApiProblems } from '../http/api-problems.decorator.js';
import { TaskRegistry } from '../tasks/task-registry.js';
import { raceTable } from './race-table.js';
import { windowAt } from './sliding-window.js';
import { raceTableSchema } from './stats.schemas.js';
import { TaskStatistics } from './task-statistics.js';

@ApiTags('Tasks')
@Controller('tasks')
export class StatsController {
  constructor(
    private readonly registry: TaskRegistry,
    private readonly statistics: TaskStatistics,
  ) {}

  @Get(':name/stats')
  @ApiOperation({
    operationId: 'getTaskStats',
    summary: 'Show a task’s race table',
    description:
      'What its runs of the last hour have shown: how often each sub-task won and by how much, how long it took, what hedging cost, and what it saved. A restart forgets none of it.',
  })
  @ApiParam({ name: 'name', example: 'demo' })
  @ApiOkResponse({ description: 'The race table', standardSchema: raceTableSchema })
  @ApiProblems('task-unknown')
  show(@Param('name') name: string): z.input<typeof raceTableSchema> {
    const task = this.registry.get(name);
    const { from, to } = windowAt(Date.now());
    const learnt = (quantile: number) => this.statistics.replyTime(name, quantile) ?? null;
    return {
      task: name,
      window: { from: new Date(from).toISOString(), to: new Date(to).toISOString() },
      ...raceTable(task, this.statistics.slices(name)),
      learntMs: { p50: learnt(0.5), p90: learnt(0.9), p95: learnt(0.95), p99: learnt(0.99) },
    };
  }
}
