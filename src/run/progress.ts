import type { Clock } from '../core/clock.js';
import { toJson, type JsonValue } from '../core/json.js';

/** Between two values that are recorded of an attempt, in milliseconds: each is an event on disk. */
const PAUSE_MS = 250;
/** What the JSON of a value may take, in bytes. */
const MAX_BYTES = 1_024;

/** What an attempt says of its progress: the newest value is recorded, at most four times a second. */
export class Progress {
  private newest: { readonly value: unknown } | undefined;
  private timer: NodeJS.Timeout | undefined;
  private hasFailed = false;

  /** @param failed called with the first value that can't be recorded */
  constructor(
    private readonly clock: Clock,
    private readonly record: (value: JsonValue) => void,
    private readonly failed: (error: unknown) => void,
  ) {}

  report(value: unknown): void {
    this.newest = { value };
    if (!this.timer) this.flush();
  }

  /** Records what isn't recorded yet. */
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

  /** Records nothing more. */
  end(): void {
    this.clock.clearTimeout(this.timer);
    this.newest = undefined;
  }
}

function flush(progress: Progress): void {
  progress.flush();
}
