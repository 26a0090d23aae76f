import { Controller, Get, Param } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiParam, ApiTags } from '../http/open-api.js';
import type { z } from 'zod';
import { ApiProblems } from '../http/api-problems.decorator.js';
import { ValidQuery } from '../http/validated.decorator.js';
import { TaskRegistry } from '../tasks/task-registry.js';
import { raceTable } from './race-table.js';
import { windowAt } from './sliding-window.js';
import { seriesOf } from './series.js';
import { raceTableSchema, statsQuerySchema } from './stats.schemas.js';
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
      'What its runs of the last hour have shown: how often each sub-task won and by how much, how long it took, what hedging cost, and what it saved. `step` adds how that went on from minute to minute. A restart forgets none of it.',
  })
  @ApiParam({ name: 'name', example: 'demo' })
  @ApiOkResponse({ description: 'The race table', standardSchema: raceTableSchema })
  @ApiProblems('invalid-request', 'task-unknown')
  show(
    @Param('name') name: string,
    @ValidQuery(statsQuerySchema) { step }: z.infer<typeof statsQuerySchema>,
  ): z.input<typeof raceTableSchema> {
    const task = this.registry.get(name);
    const window = windowAt(Date.now());
    const { from, to } = window;
    const slices = this.statistics.slices(name);
    const learnt = (quantile: number) => this.statistics.replyTime(name, quantile) ?? null;
    return {
      task: name,
      window: { from: new Date(from).toISOString(), to: new Date(to).toISOString() },
      ...raceTable(task, slices),
      learntMs: { p50: learnt(0.5), p90: learnt(0.9), p95: learnt(0.95), p99: learnt(0.99) },
      ...(task.order === 'learned' && { order: [...this.statistics.learntOrder(task).order] }),
      ...(step && { series: seriesOf(slices, window, step) }),
    };
  }
}
