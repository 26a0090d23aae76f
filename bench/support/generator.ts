import { Companion } from './companion.ts';
import type { Command, Lap, Load } from './generator-protocol.ts';
import type { Stage } from './stage.ts';

/** The bench's side of the load generator process. */
export class Generator {
  readonly #process: Companion<Command, Lap>;

  constructor(stage: Stage, core: number | undefined) {
    this.#process = new Companion(stage, new URL('generator-process.ts', import.meta.url), core);
  }

  /** Begins with a load; the lap is the opening of its connections. */
  start(load: Load): Promise<Lap> {
    return this.#process.ask({ kind: 'start', load });
  }

  /** Goes on with the load, and begins a new lap. */
  lap(): Promise<Lap> {
    return this.#process.ask({ kind: 'lap' });
  }

  /** Ends the load. Requests without an answer then count nowhere. */
  stop(): Promise<Lap> {
    return this.#process.ask({ kind: 'stop' });
  }
}
