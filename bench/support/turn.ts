import { setTimeout as sleep } from 'node:timers/promises';
import type { ServerKey } from '../servers/server-spec.ts';
import type { Generator } from './generator.ts';
import type { Lap } from './generator-protocol.ts';
import { cpuMicroseconds } from './process-usage.ts';
import type { ServerProcess } from './server-process.ts';
import type { Stage } from './stage.ts';

/** Factor on the demo's sleeps: 1, 5 and 3 milliseconds, so that the machinery is what takes the time. */
export const FAST = 0.001;

/** Load before the measured part of a turn, while connections open, in milliseconds. */
const LEAD_IN = 250;

/** After a turn, for the background sub-tasks (5 ms) to end before the next server's turn, in milliseconds. */
const LEAD_OUT = 250;

/** One server's part of one round. */
export interface Turn extends Lap {
  readonly server: ServerKey;
  readonly requestsPerSecond: number;
  /** Microseconds of CPU, user and system, of all the server's threads. */
  readonly cpuPerRequest: number;
  /** CPU time over elapsed time: near 1, the server had all of its core. */
  readonly serverShare: number;
  /** Undefined where the server has no probe for it. */
  readonly commitsPerSecond: number | undefined;
}

interface TurnOptions {
  /** Callers that each send request after request. */
  readonly connections: number;
  /** Seconds that are measured. */
  readonly seconds: number;
  readonly rounds: number;
}

/** Each server's turn in each round, A B C A B C: what slows the machine for a while slows them alike. */
export async function takeTurns(
  stage: Stage,
  generator: Generator,
  servers: readonly ServerProcess[],
  options: TurnOptions & { readonly warmUp: number },
): Promise<Turn[][]> {
  for (const server of servers) {
    stage.say(`Warming up ${server.spec.name}`);
    await takeTurn(stage, generator, server, { ...options, seconds: options.warmUp });
  }
  const rounds: Turn[][] = [];
  for (let round = 1; round <= options.rounds; round++) {
    const turns: Turn[] = [];
    for (const server of servers) {
      const turn = await takeTurn(stage, generator, server, options);
      const rate = Math.round(turn.requestsPerSecond);
      stage.say(`Round ${String(round)}/${String(options.rounds)}: ${server.spec.name} ${String(rate)}/s`);
      turns.push(turn);
    }
    rounds.push(turns);
  }
  return rounds;
}

async function takeTurn(
  stage: Stage,
  generator: Generator,
  server: ServerProcess,
  { connections, seconds }: Omit<TurnOptions, 'rounds'>,
): Promise<Turn> {
  const { signal } = stage;
  await generator.start({ kind: 'callers', url: server.url, connections, ramp: 0 });
  await sleep(LEAD_IN, undefined, { signal });
  const commitsBefore = await server.ask('commits');
  await generator.lap();
  const cpuBefore = cpuMicroseconds(server.pid);
  await sleep(seconds * 1000, undefined, { signal });
  const cpu = cpuMicroseconds(server.pid) - cpuBefore;
  const lap = await generator.lap();
  const commits = await server.ask('commits');
  await generator.stop();
  await sleep(LEAD_OUT, undefined, { signal });
  return {
    ...lap,
    server: server.spec.key,
    requestsPerSecond: lap.completed / lap.seconds,
    cpuPerRequest: cpu / (lap.completed + lap.non2xx),
    serverShare: cpu / 1e6 / lap.seconds,
    commitsPerSecond:
      commits === undefined || commitsBefore === undefined
        ? undefined
        : (commits - commitsBefore) / lap.seconds,
  };
}
