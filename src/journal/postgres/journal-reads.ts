import { unknownRun } from '../../core/domain-error.js';
import type { RunRecord } from '../../core/run-record.js';
import type { Obstacle } from '../../run/journal.js';
import type { EventPage, EventQuery, RunPage, RunQuery } from '../../run/journal-pages.js';
import { DamageWatch } from '../damage-watch.js';
import { pageOfRows } from '../history-rows.js';
import { asking, storable } from './asking.js';
import { recordOf } from './commit-reader.js';
import { isSilence, postgresDamage } from './postgres-connection.js';
import type { PostgresStore } from './postgres-store.js';

const UNREADABLE: Obstacle = {
  code: 'journal-unavailable',
  message: 'The journal can’t be read: the database takes too long to answer',
};

/**
 * What callers read of the journal. All of it throws {@link DomainError} `journal-unavailable` when the database doesn't answer, or
 * finds a page damaged.
 */
export class JournalReads {
  /** How long reads count as hanging after one that did, unless another one is answered, in milliseconds. */
  static readonly graceMs: number = 5_000;
  /** When a read last had no answer in time, on the clock of `performance.now()`. */
  private silentAt = -Infinity;

  readonly damage: DamageWatch;

  /**
   * @param closing aborted when nothing is to be tried again
   * @param queues the schema of pg-boss; undefined where no sub-task ever leaves its node
   */
  constructor(
    private readonly store: PostgresStore,
    url: string,
    closing: AbortSignal,
    private readonly queues: string | undefined,
  ) {
    this.damage = new DamageWatch((error) => postgresDamage(url, error), closing);
  }

  /** Why nothing can be read at the moment. */
  get obstacle(): Obstacle | undefined {
    const isSilent = performance.now() - this.silentAt < JournalReads.graceMs;
    return this.damage.obstacle ?? (isSilent ? UNREADABLE : undefined);
  }

  async run(id: string): Promise<Readonly<RunRecord> | undefined> {
    if (id.includes('\0')) return undefined;
    const run = await this.asking(async () => {
      const found = await this.store.log.run(id);
      return found && recordOf(found);
    });
    if (run?.finishedAt !== null) return run;
    const isSetAside = await this.asking(() => this.store.isSetAside(id));
    return this.withDeadLetters(isSetAside ? { ...run, status: 'set-aside' } : run);
  }

  /** See the sharing. */
  async withDeadLetters(run: Readonly<RunRecord>): Promise<Readonly<RunRecord>> {
    const { queues } = this;
    if (queues === undefined) return run;
    const dead = await this.asking(() => this.store.deadSubTasks(run.id, queues));
    if (dead.length === 0) return run;
    const subTasks = run.subTasks.map((one) =>
      dead.includes(one.name) ? { ...one, deadLetter: true as const } : one,
    );
    return { ...run, subTasks };
  }

  async runs(query: RunQuery): Promise<RunPage> {
    const rows = await this.asking(() => this.store.runs({ ...query, task: storable(query.task) }));
    return pageOfRows(rows, query.limit);
  }

  /** Events of all runs, up to one that this node was told of. */
  events(query: EventQuery, upTo: number): Promise<EventPage> {
    return this.asking(() => this.store.log.events({ ...query, task: storable(query.task) }, upTo));
  }

  /** Events of one run, which is shown with all that is committed, as everywhere. @throws {DomainError} `run-unknown` */
  async eventsOfRun(query: EventQuery, runId: string): Promise<EventPage> {
    const id = storable(runId);
    const upTo = await this.asking(() => this.store.lastId());
    const page = await this.events({ ...query, runId: id }, upTo);
    if (page.events.length === 0 && !(await this.asking(() => this.store.hasRun(id))))
      throw unknownRun(runId);
    return page;
  }

  private asking<T>(what: () => Promise<T>): Promise<T> {
    return asking(async () => {
      try {
        const found = await what();
        this.silentAt = -Infinity;
        return found;
      } catch (error) {
        if (isSilence(error)) this.silentAt = performance.now();
        throw error;
      }
    }, this.damage);
  }
}
