import { Module, type DynamicModule } from '@nestjs/common';
import type { Config } from './config/config.js';
import { HttpFaceModule } from './http-face.module.js';
import { MetricsController } from './telemetry/metrics.controller.js';
import { MetricsServer } from './telemetry/metrics-server.js';
import { ProcessState } from './telemetry/process-state.js';
import { Scrapes } from './telemetry/scrapes.js';
import { TelemetryModule } from './telemetry/telemetry.module.js';

/** The metrics of the service for Prometheus: at `/metrics`, or on a port of their own. */
@Module({})
export class MetricsModule {
  static with({ METRICS_PORT: port }: Pick<Config, 'METRICS_PORT'>): DynamicModule {
    return {
      module: MetricsModule,
      imports: [HttpFaceModule, TelemetryModule],
      controllers: port === null ? [MetricsController] : [],
      providers: [Scrapes, ProcessState, ...(port === null ? [] : [MetricsServer])],
    };
  }
}
