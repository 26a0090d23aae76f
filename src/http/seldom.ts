import type { Logger } from '@nestjs/common';

/** Between two warnings, in milliseconds. */
const PAUSE_MS = 60_000;

/** Warns once a minute of what may happen a thousand times a second, and how often it has happened since. */
export class Seldom {
  private nextAt = 0;
  private unsaid = 0;

  constructor(private readonly logger: Logger) {}

  warn(message: string): void {
    const now = performance.now();
    if (now < this.nextAt) {
      this.unsaid += 1;
      return;
    }
    const more = this.unsaid > 0 ? ` (and ${this.unsaid} times more since this was said last)` : '';
    this.logger.warn(message + more);
    this.nextAt = now + PAUSE_MS;
    this.unsaid = 0;
  }
}
