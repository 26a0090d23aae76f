import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { onCore } from './cores.ts';
import type { Stage } from './stage.ts';

/**
 * A process of the bench's own, so that it can have a core of its own. It lives as long as the bench, so that its code
 * is warm for every turn, and answers each message.
 */
export class Companion<Command, Answer> {
  readonly #child: ChildProcess;
  readonly #stage: Stage;

  constructor(stage: Stage, program: URL, core: number | undefined, args: readonly string[] = []) {
    const path = fileURLToPath(program);
    const [file = '', ...rest] = onCore(core, process.execPath, [path, ...args]);
    this.#stage = stage;
    this.#child = spawn(file, rest, {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      serialization: 'advanced',
      detached: true,
    });
    this.#child.on('error', (error) => {
      stage.abort(error);
    });
    this.#child.on('exit', (code, signal) => {
      stage.abort(new Error(`${path} ended by itself (${String(signal ?? code)}).`));
    });
    stage.adopt(this.#child);
  }

  async ask(command: Command): Promise<Answer> {
    this.#stage.signal.throwIfAborted();
    this.#child.send(command as object);
    const [answer] = (await once(this.#child, 'message', { signal: this.#stage.signal })) as [Answer];
    return answer;
  }
}
