import fc from 'fast-check';
import type { LosersPolicy, ReplyPolicy } from '../../src/core/policies.js';
import type { StartRule } from '../../src/core/start-rule.js';
import type { SubTaskContext } from '../../src/core/sub-task.js';
import type { createRuntime } from './runtime.js';

/** A sub-task that ends after a while, in even milliseconds. */
export interface RacingSubTask {
  readonly name: string;
  readonly start: StartRule;
  readonly ms: number;
  readonly succeeds: boolean;
}

const NAMES = ['a', 'b', 'c', 'd', 'e'];

const even = fc.integer({ min: 1, max: 200 }).map((half) => 2 * half);
const listOf = (start: fc.Arbitrary<StartRule>, minLength: number, maxLength: number) =>
  fc.array(fc.record({ start, ms: even, succeeds: fc.boolean() }), { minLength, maxLength });

/** Two to five sub-tasks, no two of which end after the same time. */
export const racing: fc.Arbitrary<RacingSubTask[]> = fc
  .tuple(
    listOf(fc.constant('at-once'), 1, 3),
    fc.option(even.map((ms): StartRule => ({ after: `${ms}ms` }))),
    listOf(fc.constant('after-failure'), 1, 1),
  )
  .map(([first, start, last]) => [...first, ...(start ? [{ start, ms: 10, succeeds: true }] : []), ...last])
  .map((list) => list.map((subTask, index) => ({ name: NAMES[index]!, ...subTask })))
  .filter((list) => new Set(list.map(({ ms }) => ms)).size === list.length);

export const policyFor = (names: readonly string[]): fc.Arbitrary<ReplyPolicy> =>
  fc.oneof(
    fc.constantFrom<ReplyPolicy>(
      { policy: 'first-success' },
      { policy: 'first-settled' },
      { policy: 'all' },
      { policy: 'all', deadline: '151ms' },
      { policy: 'deadline', deadline: '151ms' },
    ),
    fc.constantFrom(...names).map((primary): ReplyPolicy => ({ policy: 'primary', primary })),
    fc.integer({ min: 1, max: names.length }).map((quorum): ReplyPolicy => ({ policy: 'quorum', quorum })),
    fc
      .integer({ min: 2, max: Math.max(2, names.length) })
      .map((agreement): ReplyPolicy => ({ policy: 'agreement', agreement, ignore: ['/by'] })),
  );

export const losersPolicy = fc.constantFrom<LosersPolicy>('continue', 'cancel', {
  policy: 'cancel-after',
  after: '33ms',
});

/** What a sub-task does: a result that agrees with all others but for `by`. */
export const runOf =
  ({ name, ms, succeeds }: Pick<RacingSubTask, 'name' | 'ms' | 'succeeds'>) =>
  (_input: unknown, { signal }: SubTaskContext) =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        if (succeeds) resolve({ value: 1, by: name });
        else reject(new Error('no'));
      }, ms);
      signal.addEventListener('abort', () => {
        clearTimeout(timer);
      });
    });

/** What callers and readers see of a run, but for some of its sub-tasks. Times are since its start. */
export function toldOf({ events }: ReturnType<typeof createRuntime>, except: readonly string[]) {
  const shown = events.filter((event) => !('subTask' in event && except.includes(event.subTask)));
  const begun = Date.parse(events[0]!.time);
  const at = ({ time }: { readonly time: string }) => Date.parse(time) - begun;
  return {
    starts: shown.flatMap((event) =>
      event.type === 'sub-task.started' ? [[event.subTask, at(event), event.data.trigger]] : [],
    ),
    ends: shown.flatMap((event) =>
      'subTask' in event && event.type !== 'sub-task.started' ? [[event.subTask, event.type, at(event)]] : [],
    ),
    replies: shown.flatMap((event) =>
      event.type === 'run.replied' ? [{ at: at(event), reply: event.data.reply }] : [],
    ),
    status: shown.flatMap((event) => (event.type === 'run.finished' ? [event.data.status] : [])),
  };
}
