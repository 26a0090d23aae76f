import { Module } from '@nestjs/common';
import { EventsModule } from '../events/events.module.js';
import { RunModule } from '../run/run.module.js';
import { BreakerState } from './breaker-state.js';
import { Telemetry } from './telemetry.js';
import { WebhookState } from './webhook-state.js';

@Module({
  imports: [EventsModule, RunModule],
  providers: [Telemetry, WebhookState, BreakerState],
  exports: [Telemetry],
})
export class TelemetryModule {}
