import { Inject, Injectable, Optional, type OnApplicationBootstrap } from '@nestjs/common';
import { Breakers } from '../run/breakers.js';
import { Journal } from '../run/journal.js';
import { Runs } from '../run/runs.js';
import { RecordedRuns } from './recorded-runs.js';
import type { RunRecord } from '../core/run-record.js';
import { textOf } from '../core/thrown.js';
import { loggerOf } from '../core/logger-of.js';

/** Most runs set aside that the log names. */
const SHOWN = 10;

/** Resumes the runs that an earlier process has left unfinished. Every unfinished sub-task begins a new attempt. */
@Injectable()
export class Recovery implements OnApplicationBootstrap {
  private readonly logger = loggerOf('run');
  private readonly resumed = new Map<string, Promise<boolean>>();

  constructor(
    private readonly runs: Runs,
    private readonly journal: Journal,
    private readonly recorded: RecordedRuns,
    @Optional() @Inject(Breakers) private readonly breakers: Breakers | null = null,
  ) {}

  /** Doesn't wait: the service is ready meanwhile, and new runs share the slots with resumed runs. */
  onApplicationBootstrap(): void {
    void this.resumeAll();
  }

  /** Resumes a run of an earlier process, at most once. @returns false when the service began to stop first */
  resume(record: Readonly<RunRecord>): Promise<boolean> {
    let resumed = this.resumed.get(record.id);
    if (!resumed) {
      resumed = this.resumeNow(record);
      this.resumed.set(record.id, resumed);
      resumed.catch(() => this.resumed.delete(record.id));
    }
    return resumed;
  }

  private async resumeNow(record: Readonly<RunRecord>): Promise<boolean> {
    const terms = await this.recorded.termsOf(record);
    if (!terms.definition) this.recorded.reportMissing(terms.task);
    if (this.runs.stopping) return false;
    if (this.journal.setAside.has(record.id)) await this.journal.takeBack(record.id);
    this.runs.resume(terms, { ...record, status: 'running' });
    return true;
  }

  private reportSetAside(): void {
    const { setAside } = this.journal;
    if (setAside.size === 0) return;
    this.logger.error({
      msg: `${setAside.size} runs are set aside, because several starts in a row died after they had resumed them. GET /runs?status=set-aside lists them; POST /runs/<id>/resume lets one go on, POST /runs/<id>/cancel ends it`,
      runIds: [...setAside].slice(0, SHOWN),
    });
  }

  /** Resumes runs only as there is room for them in the queue. */
  private async resumeAll(): Promise<void> {
    this.reportSetAside();
    await this.breakers?.ready();
    let count = 0;
    for await (const record of this.journal.unfinished()) {
      await this.runs.roomInQueue();
      if (this.runs.stopping) return;
      try {
        if (await this.resume(record)) count += 1;
      } catch (error) {
        this.logger.error({
          msg: `Could not be resumed: ${textOf(error)}`,
          runId: record.id,
          task: record.task,
        });
      }
    }
    if (count > 0) this.logger.log(`Resumed ${count} unfinished runs of an earlier process`);
  }
}
