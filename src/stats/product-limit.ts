/** How one attempt ended, or how long it was observed. */
export interface Observation {
  /** Time from its start, in milliseconds. */
  readonly ms: number;
  /** `answered`: it succeeded after that time. `failed`: it failed. `cut`: it was cancelled (censored), so it would have taken longer. */
  readonly kind: 'answered' | 'failed' | 'cut';
  /** How many observations were the same. @default 1 */
  readonly count?: number;
}

/** A randomly drawn end. */
export interface DrawnEnd {
  readonly ms: number;
  readonly kind: 'answered' | 'failed';
}

/** Tolerance for rounding errors in sums of shares. */
const ROUNDING = 1e-9;

/**
 * Estimates how likely a success is within some time. It also uses observations that were cancelled before their end: without them, a sub-task
 * that is cancelled whenever it is slow would seem quick.
 *
 * This is the product limit of Kaplan and Meier (1958), with failures as the other way to end (Aalen and Johansen, 1978). It holds as long as
 * a cancellation doesn't depend on how much longer the cancelled sub-task would have taken.
 */
export class ProductLimit {
  private readonly times: number[] = [];
  /** The share that has succeeded by each time. */
  private readonly answered: number[] = [];
  /** The share that has ended by each time. */
  private readonly ended: number[] = [];

  constructor(observations: readonly Observation[]) {
    const counts = new Map<number, { answered: number; failed: number; cut: number }>();
    let left = 0;
    for (const { ms, kind, count = 1 } of observations) {
      const same = counts.get(ms) ?? { answered: 0, failed: 0, cut: 0 };
      same[kind] += count;
      counts.set(ms, same);
      left += count;
    }
    let answeredShare = 0;
    let openShare = 1;
    for (const [ms, { answered, failed, cut }] of [...counts].toSorted(([one], [other]) => one - other)) {
      const ends = answered + failed;
      if (ends > 0) {
        answeredShare += (openShare * answered) / left;
        openShare *= (left - ends) / left;
        this.times.push(ms);
        this.answered.push(answeredShare);
        this.ended.push(1 - openShare);
      }
      left -= ends + cut;
    }
  }

  /** The share that succeeds within `ms` milliseconds, from 0 to 1. After the last known end, the share doesn't grow any more. */
  at(ms: number): number {
    return this.answered[this.lastUpTo(ms)] ?? 0;
  }

  /**
   * The time in milliseconds within which a share of all succeeds. Undefined when too many fail, or were cut too early to tell.
   *
   * @param share above 0, up to 1
   */
  quantile(share: number): number | undefined {
    return this.times[firstIndex(this.answered, (answered) => answered >= share - ROUNDING)];
  }

  /**
   * The average wait for a success in milliseconds, when nobody waits longer than `atMostMs`. This is the area above the curve up to
   * `atMostMs`, known as the restricted mean.
   */
  expectedWait(atMostMs: number): number {
    let wait = 0;
    let before = 0;
    let openShare = 1;
    for (const [index, ms] of this.times.entries()) {
      if (ms >= atMostMs) break;
      wait += (ms - before) * openShare;
      before = ms;
      openShare = 1 - (this.answered[index] ?? 0);
    }
    return wait + (atMostMs - before) * openShare;
  }

  /**
   * Draws how a sub-task under way ends; undefined where that is later than any known end.
   *
   * @param uniform a uniformly distributed number from 0 to below 1
   * @param aboveMs the sub-task takes longer than this. Default: nothing is known of it
   */
  draw(uniform: number, aboveMs = -Infinity): DrawnEnd | undefined {
    const from = this.lastUpTo(aboveMs);
    const before = this.ended[from] ?? 0;
    const target = before + uniform * (1 - before);
    const index = Math.max(
      from + 1,
      firstIndex(this.ended, (ended) => ended > target),
    );
    const ms = this.times[index];
    if (ms === undefined) return undefined;
    const answered = (this.answered[index] ?? 0) - (this.answered[index - 1] ?? 0);
    return { ms, kind: target < (this.ended[index - 1] ?? 0) + answered ? 'answered' : 'failed' };
  }

  /** The index of the last time that is not above `ms`; -1 where there is none. */
  private lastUpTo(ms: number): number {
    return firstIndex(this.times, (time) => time > ms) - 1;
  }
}

/** Binary search: the index of the first value that matches, if all values after it match; the length where none matches. */
function firstIndex(sorted: readonly number[], isSo: (value: number) => boolean): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (isSo(sorted[middle] ?? Infinity)) high = middle;
    else low = middle + 1;
  }
  return low;
}
