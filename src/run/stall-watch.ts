import type { Clock } from '../core/clock.js';
import { SubTaskError } from '../core/sub-task-error.js';
import type { StreamTerms } from '../core/task.js';

/**
 * Finds a stream that has stalled: one without a chunk that wins within `firstChunk`, or after that without a chunk for `idle`. The time
 * in which its upstream is made to wait doesn't count.
 */
export class StallWatch {
  hasStalled = false;
  /** Time until a chunk won, in milliseconds; undefined before. */
  firstChunkMs: number | undefined;
  private readonly startedAt: number;
  private lastAt: number;
  private timer: NodeJS.Timeout | undefined;
  private onStall: ((error: SubTaskError) => void) | undefined;
  /** Resolves when the upstream no longer has to wait. */
  private resumed: PromiseWithResolvers<void> | undefined;

  constructor(
    private readonly terms: StreamTerms,
    private readonly clock: Clock,
  ) {
    this.startedAt = clock.elapsed();
    this.lastAt = this.startedAt;
  }

  /** @param onStall called with `stream-stalled`, once at most */
  begin(onStall: (error: SubTaskError) => void): void {
    this.onStall = onStall;
    this.wait(this.terms.firstChunkMs);
  }

  /** Called when a chunk wins. */
  won(): void {
    this.taken();
    this.firstChunkMs = this.lastAt - this.startedAt;
    this.wait(this.terms.idleMs);
  }

  /** Called when a chunk is taken, and the next one may come. */
  taken(): void {
    this.lastAt = this.clock.elapsed();
  }

  /** Resolves with {@link resume}. */
  pause(): Promise<void> {
    this.resumed = Promise.withResolvers();
    return this.resumed.promise;
  }

  resume(): void {
    this.resumed?.resolve();
    this.resumed = undefined;
  }

  end(): void {
    this.clock.clearTimeout(this.timer);
  }

  /** Called when the stream may have stalled. */
  look(): void {
    const isFirst = this.firstChunkMs === undefined;
    const ms = isFirst ? this.terms.firstChunkMs : this.terms.idleMs;
    const since = isFirst ? this.startedAt : this.lastAt;
    const leftMs = this.resumed ? ms : ms - (this.clock.elapsed() - since);
    if (leftMs > 0) this.timer = this.clock.setTimeout(look, Math.ceil(leftMs), this);
    else {
      this.hasStalled = true;
      this.onStall?.(stalled(isFirst, ms));
    }
  }

  private wait(ms: number): void {
    this.end();
    if (ms !== Infinity) this.timer = this.clock.setTimeout(look, ms, this);
  }
}

function look(watch: StallWatch): void {
  watch.look();
}

function stalled(first: boolean, ms: number): SubTaskError {
  const message = first ? `No chunk that wins came within ${ms} ms` : `No chunk came for ${ms} ms`;
  return new SubTaskError(message, { code: 'stream-stalled' });
}
