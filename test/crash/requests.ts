import type { LosersPolicy, ReplyPolicy } from '../../src/core/policies.js';
import type { Random } from './random.ts';

/** The sub-tasks of the task `crash`. */
const SUB_TASKS = ['swift', 'steady', 'slow', 'narrow', 'stubborn', 'hedge', 'spare'] as const;

/** Those that the tasks `crash-placed` and `crash-newer` have besides, which any node that takes work may execute. */
const PLACED_SUB_TASKS = ['remote', 'distant'] as const;

/** The tasks of the harness. */
export const TASKS = {
  crash: SUB_TASKS,
  'crash-placed': [...PLACED_SUB_TASKS, ...SUB_TASKS],
  // Of a newer version of the service: some nodes don't know it.
  'crash-newer': [...PLACED_SUB_TASKS, ...SUB_TASKS],
} as const;

export type TaskName = keyof typeof TASKS;
export type SubTaskName = (typeof TASKS)[TaskName][number];

/** How often a sub-task may fail. */
export const MAX_FAILURES = 3;

/** How long an attempt of `stubborn` may take; it goes on after that as if nothing had happened. */
export const STUBBORN_TIMEOUT_MS = 30;

/** What one sub-task does. */
interface Script {
  /** How long each attempt takes; the last figure goes for all further ones. */
  readonly ms: readonly [number, ...number[]];
  /** The attempts up to this one fail. */
  readonly failures: number;
}

export type Input = Readonly<Record<(typeof SUB_TASKS)[number], Script>> &
  Readonly<Partial<Record<SubTaskName, Script>>>;

export interface CrashRequest {
  readonly input: Input;
  readonly reply: ReplyPolicy;
  readonly losers: LosersPolicy;
}

export function randomRequest(random: Random, task: TaskName = 'crash'): CrashRequest {
  const subTasks = TASKS[task];
  return {
    input: {
      swift: script(random, 0, 5),
      steady: script(random, 5, 30),
      slow: script(random, 60, 120),
      narrow: script(random, 0, 15),
      stubborn: random.pick([script(random, 0, 20), LATE]),
      hedge: script(random, 0, 30),
      spare: script(random, 0, 30),
      ...(task !== 'crash' && {
        // Some go on while another node takes their run over.
        remote: random.pick([script(random, 0, 60), script(random, 0, 60), script(random, 700, 2_000)]),
        distant: script(random, 0, 10),
      }),
    },
    reply: random.pick<ReplyPolicy>([
      { policy: 'first-success' },
      { policy: 'first-settled' },
      { policy: 'primary', primary: random.pick(subTasks) },
      { policy: 'quorum', quorum: random.int(2, subTasks.length) },
      { policy: 'all' },
    ]),
    losers: random.pick<LosersPolicy>([
      'continue',
      'continue',
      'cancel',
      { policy: 'cancel-after', after: '20ms' },
    ]),
  };
}

/** One of which a sub-task fails for good long before another ends. */
export function failingRequest(random: Random, task: TaskName): CrashRequest {
  const request = randomRequest(random, task);
  const swift = { ms: [0], failures: random.pick([MAX_FAILURES, ALWAYS]) } as const;
  return {
    ...request,
    losers: 'continue',
    input: { ...request.input, swift, slow: script(random, 700, 1_500) },
  };
}

const ALWAYS = 1_000_000;

/** Times out, and brings its result while the second attempt is under way. */
const LATE: Script = { ms: [STUBBORN_TIMEOUT_MS + 15, STUBBORN_TIMEOUT_MS - 5], failures: 0 };

function script(random: Random, leastMs: number, mostMs: number): Script {
  return {
    ms: [random.int(leastMs, mostMs)],
    failures: random.pick([0, 0, 0, 0, 0, 0, 1, 2, ALWAYS]),
  };
}
