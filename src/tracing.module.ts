import { Global, Module } from '@nestjs/common';
import { openTelemetry } from './telemetry/open-telemetry.js';
import { Tracing } from './tracing/tracing.js';

/** Global, so that what executes runs and what answers over HTTP need not know where the API of OpenTelemetry comes from. */
@Global()
@Module({
  providers: [{ provide: Tracing, useFactory: async () => Tracing.of(await openTelemetry()) }],
  exports: [Tracing],
})
export class TracingModule {}
