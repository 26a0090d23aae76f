import { unknownRun } from '../../core/domain-error.js';
import type { RunRecord } from '../../core/run-record.js';
import type { EventPage, EventQuery, RunPage, RunQuery } from '../../run/journal.js';
import { pageOfRows } from '../history-query.js';
import { asking, storable } from './asking.js';
import { recordOf } from './commit-reader.js';
import type { PostgresStore } from './postgres-store.js';

/** What callers read of the journal. All of it throws {@link DomainError} `journal-unavailable` when the database doesn't answer. */
export class JournalReads {
  constructor(private readonly store: PostgresStore) {}

  async run(id: string): Promise<Readonly<RunRecord> | undefined> {
    if (id.includes('\0')) return undefined;
    const found = await asking(() => this.store.log.run(id));
    const run = found && recordOf(found);
    if (run?.finishedAt !== null) return run;
    return (await asking(() => this.store.isSetAside(id))) ? { ...run, status: 'set-aside' } : run;
  }

  async runs(query: RunQuery): Promise<RunPage> {
    const rows = await asking(() => this.store.runs({ ...query, task: storable(query.task) }));
    return pageOfRows(rows, query.limit);
  }

  /** Events of all runs, up to one that this node was told of. */
  events(query: EventQuery, upTo: number): Promise<EventPage> {
    return asking(() => this.store.log.events({ ...query, task: storable(query.task) }, upTo));
  }

  /** Events of one run, which is shown with all that is committed, as everywhere. @throws {DomainError} `run-unknown` */
  async eventsOfRun(query: EventQuery, runId: string): Promise<EventPage> {
    const id = storable(runId);
    const upTo = await asking(() => this.store.lastId());
    const page = await this.events({ ...query, runId: id }, upTo);
    if (page.events.length === 0 && !(await asking(() => this.store.hasRun(id)))) throw unknownRun(runId);
    return page;
  }
}
