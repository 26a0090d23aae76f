import { Controller, Get } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '../http/open-api.js';
import { HealthCheckService, HealthIndicatorService } from '@nestjs/terminus';
import { z } from 'zod';
import { Runs } from '../run/runs.js';
import { ApiProblems } from '../http/api-problems.decorator.js';
import { Journal } from '../run/journal.js';

const indicators = z.record(z.string(), z.looseObject({ status: z.enum(['up', 'down']) }));
const healthSchema = z
  .object({ status: z.string(), info: indicators, error: indicators, details: indicators })
  .meta({
    id: 'Health',
    examples: [
      {
        status: 'ok',
        info: { runs: { status: 'up' }, journal: { status: 'up' } },
        error: {},
        details: { runs: { status: 'up' }, journal: { status: 'up' } },
      },
    ],
  });

@ApiTags('Health')
@Controller('health')
export class HealthController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly indicators: HealthIndicatorService,
    private readonly runs: Runs,
    private readonly journal: Journal,
  ) {}

  @Get('live')
  @ApiOperation({
    operationId: 'isLive',
    summary: 'Is the process alive?',
    description: 'Answers as long as the event loop turns.',
  })
  @ApiOkResponse({ description: 'It is', standardSchema: healthSchema })
  live() {
    return { status: 'ok', info: {}, error: {}, details: {} };
  }

  @Get('ready')
  @ApiOperation({
    operationId: 'isReady',
    summary: 'Does the service take runs?',
    description:
      'Turns 503 as soon as a stop begins, and while the journal can’t be written, or memory leaves no room for new runs. Among several nodes it says how far this machine’s clock is ahead of the database’s (`clockSkewMs`), and how long the commit under way has taken so far (`commitLagMs`), both in milliseconds.',
  })
  @ApiOkResponse({ description: 'It does', standardSchema: healthSchema })
  @ApiProblems('not-ready')
  ready() {
    const runs = this.indicators.check('runs');
    const journal = this.indicators.check('journal');
    const { obstacle, sharing } = this.journal;
    const figures: Record<string, number> = sharing
      ? { clockSkewMs: sharing.clockSkewMs, commitLagMs: sharing.commitLagMs }
      : {};
    return this.health.check([
      () => {
        if (this.runs.stopping) return runs.down('the service is stopping');
        return this.runs.admission.memoryIsShort()
          ? runs.down('memory leaves no room for new runs')
          : runs.up();
      },
      () => (obstacle ? journal.down({ message: obstacle.message, ...figures }) : journal.up(figures)),
    ]);
  }
}
