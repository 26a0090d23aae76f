import { Controller, Get, Res } from '@nestjs/common';
import type { Response } from 'express';
import { NeedsScope } from '../access/needed-scope.decorator.js';
import { ApiProblems } from '../http/api-problems.decorator.js';
import { ConnectionMemory } from '../http/connection-memory.js';
import { ApiOkResponse, ApiOperation, ApiTags } from '../http/open-api.js';
import { sendJson } from '../http/send-json.js';
import { PROMETHEUS_TEXT } from './prometheus-meter.js';
import { Scrapes } from './scrapes.js';

@ApiTags('Health')
@Controller('metrics')
export class MetricsController {
  constructor(
    private readonly scrapes: Scrapes,
    private readonly memory: ConnectionMemory,
  ) {}

  @Get()
  @NeedsScope('metrics:read')
  @ApiOperation({
    operationId: 'getMetrics',
    summary: 'Metrics for Prometheus',
    description:
      'What the process counts and measures, in the text format of Prometheus. It begins to count with the first request for this. Not here where `METRICS_PORT` is set.',
  })
  @ApiOkResponse({
    description: 'The metrics',
    content: {
      [PROMETHEUS_TEXT]: { schema: { type: 'string' }, example: 'frontrunner_runs_active 3\n' },
    },
  })
  @ApiProblems('not-found')
  get(@Res() response: Response): void {
    response.setHeader('Content-Type', `${PROMETHEUS_TEXT}; charset=utf-8`);
    sendJson(response, this.scrapes.text(), this.memory);
  }
}
