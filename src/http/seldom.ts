import type { Logger } from '@nestjs/common';

/** Time between two warnings, in milliseconds. */
const PAUSE_MS = 60_000;

/** Warns at most once a minute about something frequent, with the number of times since the last warning. */
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
