import type { EventBus } from '../../events/event-bus.js';
import { textOf } from '../../core/thrown.js';
import { databaseError } from '../database-error.js';
import type { GroupLog } from '../group-commit.js';
import { publishCommitted } from '../publish-committed.js';
import { SqliteGroup } from './sqlite-group.js';
import type { SqliteThread } from './sqlite-thread.js';

/** The log in an SQLite file: its groups are numbered before they are committed, for nobody else writes. */
export class SqliteLog implements GroupLog<SqliteGroup> {
  /**
   * @param path names the database in what is logged
   * @param lastId the last event that is committed
   */
  constructor(
    private readonly thread: SqliteThread,
    private readonly bus: EventBus,
    private readonly path: string,
    public lastId: number,
  ) {}

  begin(before?: SqliteGroup): SqliteGroup {
    return new SqliteGroup(before?.nextId ?? this.lastId + 1);
  }

  commit({ rows }: SqliteGroup): Promise<void> {
    return this.thread.call('commit', rows);
  }

  publish({ lastId, entries }: SqliteGroup): void {
    this.lastId = lastId;
    publishCommitted(this.bus, entries);
  }

  /** A new connection knows what has become of the commit, whatever the old one made of it. */
  recover(): Promise<void> {
    return this.thread.kill();
  }

  explain(error: unknown): string {
    return textOf(databaseError(this.path, error));
  }
}
