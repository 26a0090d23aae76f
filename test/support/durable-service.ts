import type { Type } from '@nestjs/common';
import { DatabaseFile } from './database-file.js';
import type { PastRun } from './past-run.js';
import { TestApp } from './test-app.js';

/** One service after the other on one database, within this process. A stop leaves at once what is unfinished. */
export class DurableService {
  readonly database = new DatabaseFile();
  private running: TestApp | undefined;

  /** Writes what an earlier process has left of runs. */
  async leave(...runs: readonly PastRun[]): Promise<void> {
    await this.database.write(runs.flatMap(({ events }) => events));
  }

  /** Starts a service, when the one before has stopped. */
  async start(providers: readonly Type[] = [], env: Readonly<Record<string, string>> = {}): Promise<TestApp> {
    await this.stop();
    this.running = await TestApp.start({
      env: { DATABASE_URL: this.database.url, SHUTDOWN_GRACE: '0ms', ...env },
      providers: [...providers],
    });
    return this.running;
  }

  /** Goes on, at the next start, with what a crash of the service would leave now. */
  crash(): void {
    this.database.crash();
  }

  async stop(): Promise<void> {
    await this.running?.close();
    this.running = undefined;
  }

  async end(): Promise<void> {
    await this.stop();
    this.database.remove();
  }
}
