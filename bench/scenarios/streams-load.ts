import { setTimeout as sleep } from 'node:timers/promises';
import type { Companion } from '../support/companion.ts';
import { cpuMicroseconds } from '../support/process-usage.ts';
import type { ServerProcess } from '../support/server-process.ts';
import type { Stage } from '../support/stage.ts';
import {
  streamPath,
  type StreamCallersCommand,
  type StreamsLap,
  type StreamsUpstreamCommand,
  type StreamsUpstreamLap,
} from '../support/streams-protocol.ts';
import { RACE, RACERS, STREAMS, TAIL_RATE, type TailVariant } from './streams-figures.ts';

/** What was seen of one load. */
export interface Measured {
  readonly lap: StreamsLap;
  readonly upstream: StreamsUpstreamLap;
  /** CPU of all the server's threads, in microseconds; 0 where the upstream itself is asked. */
  readonly cpu: number;
}

/** Over how long the opening of streams is spread, and how long then nothing is measured; ms. */
const RAMP = 3000;
const SETTLE = 1500;

/** For what was cut off to end; ms. */
const PAUSE = 2000;

/** Puts streams on a server, and measures. */
export class StreamsLoad {
  readonly upstream: Companion<StreamsUpstreamCommand, StreamsUpstreamLap>;
  readonly callers: Companion<StreamCallersCommand, StreamsLap>;
  readonly #stage: Stage;
  readonly #origin: string;

  constructor(
    stage: Stage,
    upstream: Companion<StreamsUpstreamCommand, StreamsUpstreamLap>,
    callers: Companion<StreamCallersCommand, StreamsLap>,
    origin: string,
  ) {
    this.#stage = stage;
    this.upstream = upstream;
    this.callers = callers;
    this.#origin = origin;
  }

  async warmUp(server: ServerProcess, seconds: number): Promise<void> {
    await this.#begin(server, 'race', RACERS);
    await this.#wait(RAMP + seconds * 1000);
    await this.#end();
  }

  /** Time to the first chunk, with so many streams at once. @param server undefined: the upstream itself, without a race */
  async first(server: ServerProcess | undefined, seconds: number): Promise<{ kind: 'first' } & Measured> {
    await this.#begin(server, 'race', RACERS);
    return { kind: 'first', ...(await this.#measure(server, seconds)) };
  }

  /** Whether so many streams are kept up with. */
  async steady(server: ServerProcess, seconds: number): Promise<{ kind: 'steady' } & Measured> {
    await this.#begin(server, 'steady', STREAMS);
    return { kind: 'steady', ...(await this.#measure(server, seconds)) };
  }

  async tail(
    server: ServerProcess,
    variant: TailVariant,
    seconds: number,
  ): Promise<{ kind: 'tail'; variant: TailVariant } & Measured> {
    await this.callers.ask({ kind: 'pace', url: taskUrl(server, variant), post: true, rate: TAIL_RATE });
    return { kind: 'tail', variant, ...(await this.#measure(server, seconds)) };
  }

  /** What so many streams take that are open, in bytes each. */
  async memory(server: ServerProcess): Promise<{ kind: 'memory'; bytes: number; open: number }> {
    const before = (await server.ask('heap')) ?? NaN;
    await this.#begin(server, 'still', STREAMS);
    await this.#wait(RAMP + SETTLE);
    const after = (await server.ask('heap')) ?? NaN;
    const { open } = await this.callers.ask({ kind: 'lap' });
    await this.#end();
    return { kind: 'memory', bytes: (after - before) / open, open };
  }

  async #begin(server: ServerProcess | undefined, task: string, count: number): Promise<void> {
    const url = server ? taskUrl(server, task) : `${this.#origin}${streamPath(RACE)}`;
    await this.callers.ask({ kind: 'open', url, post: server !== undefined, count, rampMs: RAMP });
  }

  async #measure(server: ServerProcess | undefined, seconds: number): Promise<Measured> {
    await this.#wait(RAMP + SETTLE);
    const cpuSoFar = () => (server ? cpuMicroseconds(server.pid) : 0);
    await this.callers.ask({ kind: 'lap' });
    await this.upstream.ask({});
    const before = cpuSoFar();
    await this.#wait(seconds * 1000);
    const cpu = cpuSoFar() - before;
    const lap = await this.callers.ask({ kind: 'lap' });
    const upstream = await this.upstream.ask({});
    await this.#end();
    return { lap, upstream, cpu };
  }

  /** Ends the load. A run goes on without its caller, so its upstream cuts it off. */
  async #end(): Promise<void> {
    await this.callers.ask({ kind: 'close' });
    await this.upstream.ask({ drop: true });
    await this.#wait(PAUSE);
  }

  #wait(ms: number): Promise<void> {
    return sleep(ms, undefined, { signal: this.#stage.signal });
  }
}

function taskUrl(server: ServerProcess, task: string): string {
  return `${server.origin}/tasks/${task}/runs`;
}
