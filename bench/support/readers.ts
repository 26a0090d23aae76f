import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { onCore } from './cores.ts';
import type { ReadersCommand, ReadersLap } from './readers-protocol.ts';
import type { Stage } from './stage.ts';

const PROGRAM = fileURLToPath(new URL('readers-process.ts', import.meta.url));

/** The bench's side of the readers' process. */
export class Readers {
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
    this.#child.on('exit', (code, signal) => {
      stage.abort(new Error(`The readers ended by themselves (${String(signal ?? code)}).`));
    });
    stage.adopt(this.#child);
  }

  /** Ends a lap, and resolves with it when the command is carried out. */
  async ask(command: ReadersCommand): Promise<ReadersLap> {
    this.#stage.signal.throwIfAborted();
    this.#child.send(command);
    const [lap] = (await once(this.#child, 'message', { signal: this.#stage.signal })) as [ReadersLap];
    return lap;
  }
}
