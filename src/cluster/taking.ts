import { loggerOf } from '../core/logger-of.js';
import type { PostgresJournal } from '../journal/postgres/postgres-journal.js';
import type { Role } from '../journal/postgres/postgres-options.js';
import { QUEUES, type WorkQueue } from '../journal/postgres/queues.js';
import type { Standing } from './heartbeat.js';
import type { PlacedWork } from './placed-work.js';

/** Takes deliveries of sub-tasks from the queues that this node's role and the operators allow. */
export class Taking {
  private readonly logger = loggerOf('node');
  private readonly queues: readonly WorkQueue[];
  private pausedQueues: readonly string[] = [];
  private begun = false;

  constructor(
    private readonly journal: PostgresJournal,
    private readonly work: PlacedWork,
    role: Role,
  ) {
    this.queues = role === 'api' ? [QUEUES.any] : [QUEUES.any, QUEUES.worker];
  }

  /** Begins to take deliveries, or goes on when there is room again. */
  async begin(): Promise<void> {
    this.begun = true;
    if (this.journal.sharing.draining) return;
    const queues = this.queues.filter((queue) => !this.pausedQueues.includes(queue));
    await this.journal.queue?.work(queues, (jobs) => this.work.take(jobs));
  }

  /** Takes on no more work. Work that was taken on goes on. */
  async stop(): Promise<void> {
    await this.journal.queue?.rest();
  }

  /** Applies the settings of operators for this node. */
  async follow({ draining, paused, pausedQueues }: Standing): Promise<void> {
    const { sharing } = this.journal;
    sharing.paused = new Set(paused);
    if (draining === sharing.draining && String(pausedQueues) === String(this.pausedQueues)) return;
    if (draining !== sharing.draining)
      this.logger.log(draining ? 'Drained: this node takes nothing new' : 'This node takes runs again');
    sharing.draining = draining;
    this.pausedQueues = pausedQueues;
    await this.stop();
    if (this.begun && !this.work.isResting) await this.begin();
  }
}
