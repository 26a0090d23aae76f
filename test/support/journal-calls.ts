import { jest } from '@jest/globals';
import { SqliteThread } from '../../src/journal/sqlite/sqlite-thread.js';

type Call = (this: SqliteThread, method: string, ...args: unknown[]) => Promise<unknown>;

/** Stands between the journals of this process and their threads, and does with their calls as a test asks. */
export class JournalCalls {
  /** How many commits were tried. */
  tries = 0;
  /** What each of them fails with. */
  error: Error | undefined;
  /** The thread that is next called so ends over it. */
  deadly: string | undefined;
  private gate: PromiseWithResolvers<void> | undefined;

  constructor() {
    // eslint-disable-next-line @typescript-eslint/unbound-method -- called with its thread below
    const call = SqliteThread.prototype.call as Call;
    const check = async (): Promise<void> => {
      this.tries += 1;
      await this.gate?.promise;
      if (this.error) throw this.error;
    };
    const dies = (method: string): boolean => {
      const deadly = method === this.deadly;
      if (deadly) this.deadly = undefined;
      return deadly;
    };
    const checked: Call = async function (method, ...args) {
      if (method === 'commit') await check();
      if (dies(method)) {
        // First a call that starts the thread where it has none yet, then the end: it could answer before that.
        await call.call(this, 'state');
        void this.kill();
      }
      return call.call(this, method, ...args);
    };
    jest.spyOn(SqliteThread.prototype, 'call').mockImplementation(checked);
  }

  /** Lets commits wait from now on, until `goOn`. */
  hold(): void {
    this.gate = Promise.withResolvers();
  }

  goOn(): void {
    this.gate?.resolve();
    this.gate = undefined;
  }
}
