import { setTimeout as delay } from 'node:timers/promises';
import { PgBoss, type Db, type JobWithMetadata } from 'pg-boss';
import type { StartCause } from '../../core/events.js';
import { textOf } from '../../core/thrown.js';
import { loggerOf } from '../../core/logger-of.js';
import type { PlacedSubTask } from '../../run/sharing.js';
import type { PostgresAddress } from './postgres-connection.js';
import { QUEUES, queueSchema, WORK_QUEUES, type WorkQueue } from './queues.js';

/** The message that is delivered to the node that is to execute a sub-task. */
export interface SubTaskJob {
  readonly runId: string;
  readonly task: string;
  readonly subTask: string;
  readonly cause?: StartCause;
  /** Whether it came by the queue for nodes that take work. */
  readonly worker: boolean;
  /** Its place among the sub-tasks that were sent together. The queue keeps no order among these. */
  readonly turn?: number;
}

/** How often a delivery is tried. It fails when the node that got it has died, or when the database failed. */
const DELIVERIES = 10;

const CLOSE_MS = 5_000;

const QUEUE = {
  notify: true,
  deadLetter: QUEUES.dead,
  retryLimit: DELIVERIES,
  retryDelay: 1,
  retryBackoff: true,
  retryDelayMax: 30,
  // Taking a delivery on lasts a moment. Only a node that has died is silent for this long.
  heartbeatSeconds: 10,
  retentionSeconds: 366 * 24 * 3600,
  deleteAfterSeconds: 600,
} as const;

const WORK = {
  batchSize: 20,
  pollingIntervalSeconds: 0.5,
  // NOTIFY wakes the worker; with the default of 30 s, a backlog would wait between two notifications.
  notifyPollingIntervalSeconds: 0.5,
  burstWhenBatchFull: true,
  includeMetadata: true,
} as const;

/** A sub-task that is sent to the queue. */
type SentSubTask = Omit<PlacedSubTask, 'attempts'> & {
  /** Sub-tasks with a higher priority are delivered first. Default: 0. */
  readonly priority?: number;
};

/** Delivers sub-tasks that leave their node to a node that takes them on. Uses pg-boss, in a schema beside the journal's. */
export class SubTaskQueue {
  /** When the server ends a statement of pg-boss, in milliseconds. Its maintenance takes long. */
  static readonly answerMs: number = 30_000;
  private readonly logger = loggerOf('node');
  readonly boss: PgBoss;
  private failure: string | undefined;

  constructor({ url, schema }: PostgresAddress) {
    const { answerMs } = SubTaskQueue;
    // The server ends a statement before the driver gives up, so that no statement goes on at the server.
    const timeouts = { statement_timeout: answerMs, query_timeout: answerMs + 2_000 };
    this.boss = new PgBoss({
      ...timeouts,
      connectionString: url,
      application_name: 'frontrunner-queue',
      schema: queueSchema(schema),
      max: 4,
      connectionTimeoutMillis: 5_000,
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

  /** Creates pg-boss's tables where they are missing, and the queues. */
  async start(): Promise<void> {
    await this.boss.start();
    const { notify: _notify, deadLetter: _deadLetter, ...dead } = QUEUE;
    await this.boss.createQueue(QUEUES.dead, { ...dead, deleteAfterSeconds: QUEUE.retentionSeconds });
    await this.boss.createQueue(QUEUES.any, QUEUE);
    await this.boss.createQueue(QUEUES.worker, QUEUE);
  }

  /** @param db the transaction in which they are sent. Default: one of its own */
  async send(subTasks: readonly SentSubTask[], db?: Db): Promise<void> {
    for (const worker of [false, true]) {
      const jobs = subTasks.filter((subTask) => subTask.worker === worker).map(jobOf);
      if (jobs.length > 0) await this.boss.insert(worker ? QUEUES.worker : QUEUES.any, jobs, db && { db });
    }
  }

  /** Sends sub-tasks over which nodes died to the dead-letter queue, where they wait for an operator. For `db` see {@link send}. */
  async bury(subTasks: readonly PlacedSubTask[], db: Db): Promise<void> {
    if (subTasks.length > 0) await this.boss.insert(QUEUES.dead, subTasks.map(jobOf), { db });
  }

  /** Passes deliveries to `take`, several at a time and in order, until {@link rest}. When `take` throws, they are delivered again. */
  async work(
    queues: readonly WorkQueue[],
    take: (jobs: readonly SubTaskJob[]) => Promise<void>,
  ): Promise<void> {
    for (const queue of queues)
      await this.boss.work<SubTaskJob, unknown, typeof WORK>(
        queue,
        WORK,
        (jobs: JobWithMetadata<SubTaskJob>[]) =>
          take(jobs.toSorted(byTurn).map(({ data }) => ({ ...data, worker: queue === QUEUES.worker }))),
      );
  }

  /** How many sub-tasks wait in the dead-letter queue. */
  async dead(): Promise<number> {
    const [stats] = await this.boss.getQueueStats(QUEUES.dead, { force: true });
    return stats?.queuedCount ?? 0;
  }

  /** Stops taking deliveries. Those being taken are finished. */
  async rest(): Promise<void> {
    for (const queue of WORK_QUEUES) await this.boss.offWork(queue, { wait: false });
  }

  /** Waits only a few seconds for a database that is away. */
  async close(): Promise<void> {
    const patience = new AbortController();
    const patienceEnds = delay(CLOSE_MS, undefined, { signal: patience.signal }).catch(() => undefined);
    await Promise.race([this.boss.stop({ graceful: false }), patienceEnds]);
    patience.abort();
  }
}

/** The order in which sub-tasks left. pg-boss picks jobs by priority and age, but hands over those it has picked in any order. */
function byTurn(one: JobWithMetadata<SubTaskJob>, other: JobWithMetadata<SubTaskJob>): number {
  const [first, second] = [one.createdOn.getTime(), other.createdOn.getTime()];
  return other.priority - one.priority || first - second || (one.data.turn ?? 0) - (other.data.turn ?? 0);
}

function jobOf({ runId, task, subTask, cause, delayMs, priority = 0 }: SentSubTask, turn: number) {
  const data: Omit<SubTaskJob, 'worker'> = { runId, task, subTask, turn, ...(cause && { cause }) };
  return { data, priority, ...(delayMs !== undefined && delayMs > 0 && { startAfter: delayMs / 1000 }) };
}
