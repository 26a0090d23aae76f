import type { Failure } from '../core/run.js';
import { codeOfProblem, type Problem } from './problems.js';

/** Default wait before a caller's next try, in seconds. */
const RETRY_AFTER_S = 1;

/**
 * The value of `Retry-After`: seconds to wait before the next try; undefined when waiting doesn't help. When breakers refused all sub-tasks
 * of a run, the wait ends when the first breaker lets an attempt through.
 *
 * @param now milliseconds since 1970, by the clock of the journal
 */
export function retryAfterS(problem: Problem, now: number): number | undefined {
  if (problem.status === 503) return RETRY_AFTER_S;
  if (codeOfProblem(problem) !== 'run-failed') return undefined;
  const failures = (problem.failures as readonly Failure[]).filter(({ code }) => code !== 'skipped');
  if (failures.length === 0 || failures.some(({ code }) => code !== 'circuit-open')) return undefined;
  const soonest = Math.min(
    ...failures.map(({ retryAt }) => (retryAt === undefined ? 0 : Date.parse(retryAt))),
  );
  return Math.max(RETRY_AFTER_S, Math.ceil((soonest - now) / 1_000));
}
