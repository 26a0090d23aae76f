import type { LearntOrder } from '../run/reply-times.js';
import { ProductLimit, type Observation } from './product-limit.js';

/** A sub-task with fewer ends has no place yet. */
const LEAST_KNOWN = 3;
/** A wait counts up to this many times the median of the quickest sub-task. */
const PATIENCE = 10;
/** Sub-tasks whose expected waits differ by less than this share count as equally quick. */
const TIE = 0.1;

/** The known ends of a sub-task. */
export interface KnownEnds {
  /** Observations that have ended. */
  readonly ended: readonly Observation[];
  /** Observations under way, with their time so far. */
  readonly open: readonly Observation[];
}

interface Candidate {
  readonly name: string;
  readonly isKnown: boolean;
  readonly ends: readonly Observation[];
  readonly curve: ProductLimit;
}

/**
 * Sorts sub-tasks by the expected wait for their answer, the shortest first. A wait counts up to ten times the median of the quickest sub-task
 * that has no place yet; failures count as that much, too. Equally quick sub-tasks stay in declared order. Sub-tasks of which too little is
 * known come last, in declared order.
 *
 * @param names the sub-tasks, in declared order
 * @param endsOf returns the known ends of a sub-task
 */
export function learntOrder(names: readonly string[], endsOf: (name: string) => KnownEnds): LearntOrder {
  const candidates = names.map((name): Candidate => {
    const { ended, open } = endsOf(name);
    const ends = [...ended, ...open];
    return { name, isKnown: ended.length >= LEAST_KNOWN, ends, curve: new ProductLimit(ends) };
  });
  const unknown = candidates.filter(({ isKnown }) => !isKnown);
  const left = candidates.filter(({ isKnown }) => isKnown);
  const order: Candidate[] = [];
  while (left.length > 0) {
    const [next] = left.splice(quickest(left), 1);
    if (next) order.push(next);
  }
  return {
    order: [...order, ...unknown].map(({ name }) => name),
    leastKnown: candidates.toSorted((a, b) => a.ends.length - b.ends.length).map(({ name }) => name),
    allKnown: unknown.length === 0,
  };
}

/** The index of the first sub-task that is about as quick as the quickest one. */
function quickest(candidates: readonly Candidate[]): number {
  const medians = candidates.flatMap(({ curve }) => curve.quantile(0.5) ?? []);
  const usual = medians.length > 0 ? Math.min(...medians) : longestOf(candidates);
  const waits = candidates.map(({ curve }) => curve.expectedWait(usual * PATIENCE));
  const bound = Math.min(...waits) * (1 + TIE);
  return waits.findIndex((wait) => wait <= bound);
}

/** The longest observation. A loop, not spread arguments, because many sub-tasks may be under way. */
function longestOf(candidates: readonly Candidate[]): number {
  return candidates.reduce((all, { ends }) => ends.reduce((most, { ms }) => Math.max(most, ms), all), 0);
}
