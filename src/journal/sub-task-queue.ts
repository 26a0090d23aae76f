import { Logger } from '@nestjs/common';
import { PgBoss, type Db, type Job, type JobResult } from 'pg-boss';
import type { StartCause } from '../events/catalog.js';
import { textOf } from '../tasks/thrown.js';
import type { PlacedSubTask } from './sharing.js';

/** What is delivered to the node that is to execute a sub-task. */
export interface SubTaskJob {
  readonly runId: string;
  readonly task: string;
  readonly subTask: string;
  readonly cause?: StartCause;
  /** Whether it came by the queue of those that take work. */
  readonly worker: boolean;
}

/** For any node, for those that take work (`placement: 'worker'`), and for what could not be delivered to any. */
const QUEUES = { any: 'sub-tasks', worker: 'worker-sub-tasks', dead: 'dead-sub-tasks' } as const;

/** How often a delivery is tried that fails: the node that got it has died, or the database failed it. */
const DELIVERIES = 10;

const QUEUE = {
  notify: true,
  deadLetter: QUEUES.dead,
  retryLimit: DELIVERIES,
  retryDelay: 1,
  retryBackoff: true,
  retryDelayMax: 30,
  // A delivery takes a moment: the node that got it says nothing for as long only when it has died.
  heartbeatSeconds: 10,
  retentionSeconds: 366 * 24 * 3600,
  deleteAfterSeconds: 600,
} as const;

const WORK = {
  batchSize: 20,
  pollingIntervalSeconds: 0.5,
  // NOTIFY wakes it; with the default of 30 s a backlog would stand still between two notifications.
  notifyPollingIntervalSeconds: 0.5,
  burstWhenBatchFull: true,
  perJobResults: true,
} as const;

/** What became of a delivery: it was taken, passed on or needless, or it has to be delivered again. */
export type Taken = 'taken' | 'again';

/** Delivers sub-tasks that leave their node to one that takes them on: pg-boss, whose tables lie beside the journal's. */
export class SubTaskQueue {
  private readonly logger = new Logger(SubTaskQueue.name);
  private readonly boss: PgBoss;
  private failure: string | undefined;

  constructor(url: string) {
    this.boss = new PgBoss({
      connectionString: url,
      application_name: 'frontrunner-queue',
      schema: 'frontrunner_queue',
      max: 4,
      useListenNotify: true,
      schedule: false,
      superviseIntervalSeconds: 5,
      monitorIntervalSeconds: 5,
    });
    this.boss.on('error', (error) => {
      if (this.failure === error.message) return;
      this.failure = error.message;
      this.logger.warn(`The queue fails, and goes on trying: ${textOf(error)}`);
    });
  }

  /** Makes its tables where they are missing, and its queues. */
  async start(): Promise<void> {
    await this.boss.start();
    const { notify: _notify, deadLetter: _deadLetter, ...dead } = QUEUE;
    await this.boss.createQueue(QUEUES.dead, { ...dead, deleteAfterSeconds: QUEUE.retentionSeconds });
    await this.boss.createQueue(QUEUES.any, QUEUE);
    await this.boss.createQueue(QUEUES.worker, QUEUE);
  }

  /** @param db the transaction that they are sent in. Default: one of its own */
  async send(subTasks: readonly Omit<PlacedSubTask, 'attempts'>[], db?: Db): Promise<void> {
    for (const worker of [false, true]) {
      const jobs = subTasks.filter((subTask) => subTask.worker === worker).map(jobOf);
      if (jobs.length > 0) await this.boss.insert(worker ? QUEUES.worker : QUEUES.any, jobs, db && { db });
    }
  }

  /** Lets sub-tasks that no node survives go no further, until somebody looks into them. For `db` see {@link send}. */
  async bury(subTasks: readonly PlacedSubTask[], db: Db): Promise<void> {
    if (subTasks.length > 0) await this.boss.insert(QUEUES.dead, subTasks.map(jobOf), { db });
  }

  /**
   * Gives what is delivered to `take`, some at a time, until {@link rest}. What `take` throws, or says of a job, lets it be
   * delivered again.
   *
   * @param worker whether this node takes what only nodes that take work may
   */
  async work(
    worker: boolean,
    take: (jobs: readonly SubTaskJob[]) => Promise<readonly Taken[]>,
  ): Promise<void> {
    for (const queue of worker ? [QUEUES.any, QUEUES.worker] : [QUEUES.any])
      await this.boss.work<SubTaskJob, unknown, typeof WORK>(queue, WORK, async (jobs: Job<SubTaskJob>[]) => {
        const taken = await take(jobs.map(({ data }) => ({ ...data, worker: queue === QUEUES.worker })));
        return jobs.map(({ id }, index): JobResult => ({
          id,
          status: taken[index] === 'again' ? 'failed' : 'completed',
        }));
      });
  }

  /** Takes nothing more. What is being taken goes on. */
  async rest(): Promise<void> {
    for (const queue of [QUEUES.any, QUEUES.worker]) await this.boss.offWork(queue, { wait: false });
  }

  async close(): Promise<void> {
    await this.boss.stop({ graceful: false });
  }
}

function jobOf({ runId, task, subTask, cause, dueAt }: Omit<PlacedSubTask, 'attempts'>) {
  const data: Omit<SubTaskJob, 'worker'> = { runId, task, subTask, ...(cause && { cause }) };
  return { data, ...(dueAt && { startAfter: dueAt }) };
}
