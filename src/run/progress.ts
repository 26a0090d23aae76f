import type { Clock } from '../core/clock.js';
import { toJson, type JsonValue } from '../core/json.js';

/** Pause between two recorded values of an attempt, in milliseconds: each is an event on disk. */
const PAUSE_MS = 250;
/** Largest JSON of a value, in bytes. */
const MAX_BYTES = 1_024;

/** Records the progress of an attempt: the newest value, at most four times a second. */
export class Progress {
  private newest: { readonly value: unknown } | undefined;
  private timer: NodeJS.Timeout | undefined;
  private hasFailed = false;

  /** @param failed called for the first value that can't be recorded */
  constructor(
    private readonly clock: Clock,
    private readonly record: (value: JsonValue) => void,
    private readonly failed: (error: unknown) => void,
  ) {}

  report(value: unknown): void {
    this.newest = { value };
    if (!this.timer) this.flush();
  }

  /** Records the newest value, if it isn't recorded yet. */
  flush(): void {
    this.clock.clearTimeout(this.timer);
    this.timer = undefined;
    if (!this.newest) return;
    const { value } = this.newest;
    this.newest = undefined;
    this.timer = this.clock.setTimeout(flush, PAUSE_MS, this);
    let recorded: JsonValue;
    try {
      recorded = toJson(value, MAX_BYTES);
    } catch (error) {
      if (!this.hasFailed) this.failed(error);
      this.hasFailed = true;
      return;
    }
    this.record(recorded);
  }

  /** Stops recording. */
  end(): void {
    this.clock.clearTimeout(this.timer);
    this.newest = undefined;
  }
}

function flush(progress: Progress): void {
  progress.flush();
}
