import { Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { EmbeddedEngine } from '../run/embedded-engine.js';
import { Journal } from '../run/journal.js';
import { RunResumer } from './run-resumer.js';
import type { RunRecord } from '../core/run-record.js';
import { textOf } from '../core/thrown.js';

/** Takes up what an earlier process has left unfinished: every unfinished sub-task begins a new attempt. */
@Injectable()
export class Recovery implements OnApplicationBootstrap {
  private readonly logger = new Logger(Recovery.name);
  private readonly takenUp = new Map<string, Promise<boolean>>();

  constructor(
    private readonly engine: EmbeddedEngine,
    private readonly journal: Journal,
    private readonly resumer: RunResumer,
  ) {}

  /** The service is ready meanwhile: new runs share its slots with those that are taken up. */
  onApplicationBootstrap(): void {
    void this.takeUpAll();
  }

  /** Goes on with a run of an earlier process, unless that was done before. False when a stop came first. */
  takeUp(run: Readonly<RunRecord>): Promise<boolean> {
    let resumed = this.takenUp.get(run.id);
    if (!resumed) {
      resumed = this.goOn(run);
      this.takenUp.set(run.id, resumed);
      resumed.catch(() => this.takenUp.delete(run.id));
    }
    return resumed;
  }

  private async goOn(run: Readonly<RunRecord>): Promise<boolean> {
    this.journal.goOn(run);
    return this.resumer.resume(run);
  }

  /** A few runs at a time, as the engine has room for them. */
  private async takeUpAll(): Promise<void> {
    let count = 0;
    for await (const run of this.journal.unfinished()) {
      await this.engine.roomInQueue();
      if (this.engine.stopping) return;
      try {
        if (await this.takeUp(run)) count += 1;
      } catch (error) {
        this.logger.error({ msg: `Could not be taken up: ${textOf(error)}`, runId: run.id });
      }
    }
    if (count > 0) this.logger.log(`Took up ${count} unfinished runs of an earlier process`);
  }
}
