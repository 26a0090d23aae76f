import { Injectable } from '@nestjs/common';
import { PrometheusMeter } from './prometheus-meter.js';
import { Telemetry } from './telemetry.js';

/** The metrics for Prometheus. Counting begins with the first request for them, so that it costs nothing where nobody asks. */
@Injectable()
export class Scrapes {
  private meter: PrometheusMeter | undefined;

  constructor(private readonly telemetry: Telemetry) {}

  text(): string {
    if (!this.meter) this.telemetry.record((this.meter = new PrometheusMeter()));
    return this.meter.text();
  }
}
