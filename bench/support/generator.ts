import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { onCore } from './cores.ts';
import type { Command, Lap, Load } from './generator-protocol.ts';
import type { Stage } from './stage.ts';

const PROGRAM = fileURLToPath(new URL('generator-process.ts', import.meta.url));

/** The bench's side of the load generator process. */
export class Generator {
  readonly #child: ChildProcess;
  readonly #stage: Stage;

  constructor(stage: Stage, core: number | undefined) {
    const [file = '', ...args] = onCore(core, process.execPath, [PROGRAM]);
    this.#stage = stage;
    this.#child = spawn(file, args, {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      serialization: 'advanced',
      detached: true,
    });
    this.#child.on('error', (error) => {
      stage.abort(error);
    });
    this.#child.on('exit', (code, signal) => {
      stage.abort(new Error(`The load generator ended by itself (${String(signal ?? code)}).`));
    });
    stage.adopt(this.#child);
  }

  /** Begins with a load; the lap is the opening of its connections. */
  start(load: Load): Promise<Lap> {
    return this.#ask({ kind: 'start', load });
  }

  /** Goes on with the load, and begins a new lap. */
  lap(): Promise<Lap> {
    return this.#ask({ kind: 'lap' });
  }

  /** Ends the load. Requests without an answer then count nowhere. */
  stop(): Promise<Lap> {
    return this.#ask({ kind: 'stop' });
  }

  async #ask(command: Command): Promise<Lap> {
    this.#stage.signal.throwIfAborted();
    this.#child.send(command);
    const [lap] = (await once(this.#child, 'message', { signal: this.#stage.signal })) as [Lap];
    return lap;
  }
}
