import type { EventType } from '../../src/core/events.js';
import type { CrashResult } from './crash-task.ts';
import { MAX_FAILURES } from './requests.ts';
import { attemptOfStream } from './stream-requests.ts';

/** An event of a sub-task, as the log has it. */
export interface SubTaskEvent {
  readonly type: EventType;
  readonly attempt: number;
  /** JSON */
  readonly data: string;
}

const OUTCOMES: readonly EventType[] = [
  'sub-task.succeeded',
  'sub-task.failed',
  'sub-task.cancelled',
  'sub-task.skipped',
];

/**
 * Where the events of a sub-task break the promise that attempts are repeated but recorded once: it has one outcome, and one more for each
 * retry on request after it failed.
 *
 * @param hasEffect whether an attempt has left its side effect
 */
export function proveSubTask(
  events: readonly SubTaskEvent[],
  hasEffect: (attempt: number) => boolean,
): string[] {
  const violations: string[] = [];
  const started = attemptsOf(events, 'sub-task.started');
  const retried = attemptsOf(events, 'sub-task.retrying');
  if (started.some((attempt, index) => attempt !== index + 1))
    violations.push(`started the attempts ${started.join(', ')}`);
  if (new Set(retried).size < retried.length)
    violations.push(`retried after the attempts ${retried.join(', ')}`);
  const lives = livesOf(events);
  let before = 0;
  for (const [index, life] of lives.entries()) {
    before += attemptsOf(life, 'sub-task.started').length;
    // A retry on request is one attempt.
    violations.push(...proveLife(life, before, index === 0 ? MAX_FAILURES : 1, hasEffect));
  }
  return violations;
}

/** How often a sub-task was retried on request. */
export function countRetries(events: readonly SubTaskEvent[]): number {
  return livesOf(events).length - 1;
}

/** From each retry on request, which follows a failure for good, to the next. */
function livesOf(events: readonly SubTaskEvent[]): SubTaskEvent[][] {
  const lives: SubTaskEvent[][] = [[]];
  for (const event of events)
    if (event.type === 'sub-task.retrying' && lives.at(-1)?.at(-1)?.type === 'sub-task.failed')
      lives.push([]);
    else lives.at(-1)?.push(event);
  return lives;
}

/** @param attempts how many have started so far, in it and before it */
function proveLife(
  events: readonly SubTaskEvent[],
  attempts: number,
  failures: number,
  hasEffect: (attempt: number) => boolean,
): string[] {
  const violations: string[] = [];
  const retried = attemptsOf(events, 'sub-task.retrying');
  const outcomes = events.filter(({ type }) => OUTCOMES.includes(type));
  const [outcome] = outcomes;
  if (!outcome || outcomes.length > 1) {
    violations.push(
      `has ${String(outcomes.length)} outcomes: ${outcomes.map(({ type }) => type).join(', ')}`,
    );
  }
  if (!outcome) return violations;
  const { type, attempt } = outcome;
  if (events.at(-1) !== outcome)
    violations.push(`goes on after its outcome with ${String(events.at(-1)?.type)}`);
  if (attempt !== attempts)
    violations.push(`has the outcome of attempt ${String(attempt)} of ${String(attempts)}`);
  if ((type === 'sub-task.skipped') !== (attempts === 0))
    violations.push(`has the outcome ${type} after ${String(attempts)} attempts`);
  // A stream that callers were shown may not be tried again.
  const mayEndSooner = events.some(
    (event) => event.type === 'sub-task.streamed' && event.attempt === attempt,
  );
  if (type === 'sub-task.failed' && retried.length + 1 !== failures && !mayEndSooner)
    violations.push(`failed for good after ${String(retried.length + 1)} failures`);
  if (type !== 'sub-task.succeeded') return violations;
  if (retried.includes(attempt))
    violations.push(`succeeded with attempt ${String(attempt)}, which had failed`);
  const { result } = JSON.parse(outcome.data) as { result: CrashResult | string | readonly CrashResult[] };
  const broughtBy = attemptOf(result);
  if (broughtBy !== attempt)
    violations.push(
      `records the stale result of attempt ${String(broughtBy)} as that of attempt ${String(attempt)}`,
    );
  if (!hasEffect(attempt)) violations.push('succeeded without its side effect');
  return violations;
}

function attemptOf(result: CrashResult | string | readonly CrashResult[]): number {
  return typeof result === 'string' || 'length' in result ? attemptOfStream(result) : result.attempt;
}

function attemptsOf(events: readonly SubTaskEvent[], type: EventType): number[] {
  return events.filter((event) => event.type === type).map(({ attempt }) => attempt);
}
