import { Random } from './random.ts';

/** One life of the service: how it is driven, and when it is killed. */
export interface Round {
  readonly killedIn: 'start' | 'recovery' | 'load' | 'stop';
  /**
   * Milliseconds until the kill: in `start` from the begin of its process, in `recovery` from when it listened,
   * in `load` from the first answer, in `stop` from SIGTERM.
   */
  readonly killAfterMs: number;
  /** Milliseconds from the first answer to SIGTERM in `stop`. */
  readonly stopAfterMs: number;
  readonly durability: 'power' | 'process';
  /** What each caller draws its requests from. */
  readonly callers: readonly Random[];
  /** What whoever makes and changes webhooks draws from. */
  readonly subscriber: Random;
  /** What each reader of streams draws from. */
  readonly streamCallers: readonly Random[];
}

const KILL_AFTER_MS = {
  start: [100, 1200],
  recovery: [0, 50],
  load: [0, 800],
  stop: [0, 150],
} as const;

/** For so many callers one more reads streams. */
const STREAMS_SHARE = 5;

/** What the seed decides: requests, kills and settings. How far the service comes until a kill is up to the machine. */
export function planRounds(seed: number, rounds: number, callers: number): Round[] {
  const random = new Random(seed);
  return Array.from({ length: rounds }, () => {
    const own = random.fork();
    const killedIn = own.pick<Round['killedIn']>([
      'load',
      'load',
      'load',
      'load',
      'stop',
      'recovery',
      'recovery',
      'start',
    ]);
    const [least, most] = KILL_AFTER_MS[killedIn];
    return {
      killedIn,
      killAfterMs: own.int(least, most),
      stopAfterMs: own.int(...KILL_AFTER_MS.load),
      durability: own.pick(['power', 'process']),
      callers: Array.from({ length: callers }, () => own.fork()),
      subscriber: own.fork(),
      streamCallers: Array.from({ length: Math.ceil(callers / STREAMS_SHARE) }, () => own.fork()),
    };
  });
}
