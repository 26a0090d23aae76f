import type { Clock } from '../core/clock.js';

/** After this time, in milliseconds, the upstream no longer waits for a reader. */
const HOLD_MS = 10_000;

/** Lets the upstream of a run’s stream wait for one reader, for ten seconds at most. */
export class StreamHold {
  private held: { holdStream(by: 1 | -1): void } | undefined;
  private timer: NodeJS.Timeout | undefined;
  private wasTooLong = false;

  /** @param live returns the run; undefined when this process doesn't execute it */
  constructor(
    private readonly live: () => { holdStream(by: 1 | -1): void } | undefined,
    private readonly clock: Clock,
  ) {}

  /** Called when the reader can take no more. */
  begin(): void {
    if (this.held || this.wasTooLong) return;
    this.held = this.live();
    if (!this.held) return;
    this.held.holdStream(1);
    this.timer = this.clock.setTimeout(() => {
      this.release();
      this.wasTooLong = true;
    }, HOLD_MS);
  }

  /** Called when the reader has caught up, or is gone. */
  release(): void {
    this.wasTooLong = false;
    this.clock.clearTimeout(this.timer);
    this.held?.holdStream(-1);
    this.held = undefined;
  }
}
