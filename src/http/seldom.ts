import type { Logger } from '@nestjs/common';

/** Between two warnings, in milliseconds. */
const PAUSE_MS = 60_000;

/** Warns once a minute of what may happen a thousand times a second. */
export class Seldom {
  private nextAt = 0;

  constructor(private readonly logger: Logger) {}

  warn(message: string): void {
    const now = performance.now();
    if (now < this.nextAt) return;
    this.nextAt = now + PAUSE_MS;
    this.logger.warn(message);
  }
}
