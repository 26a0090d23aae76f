import type { EventBus } from '../../events/event-bus.js';
import { textOf } from '../../core/thrown.js';
import { databaseError } from '../database-error.js';
import type { GroupLog } from '../group-commit.js';
import { publishCommitted } from '../publish-committed.js';
import { SqliteGroup } from './sqlite-group.js';
import type { SqliteThread } from './sqlite-thread.js';
import { detailsOf } from './store-error.js';

/** The log in an SQLite file. A group gets its numbers before its commit, because no other process writes. */
export class SqliteLog implements GroupLog<SqliteGroup> {
  /**
   * @param path names the database in logs
   * @param lastId the last event that is committed
   * @param superseded called when another process has claimed the database
   */
  constructor(
    private readonly writer: SqliteThread,
    private readonly reader: SqliteThread,
    private readonly bus: EventBus,
    private readonly path: string,
    public lastId: number,
    private readonly superseded: () => void,
  ) {}

  begin(before?: SqliteGroup): SqliteGroup {
    return new SqliteGroup(before?.nextId ?? this.lastId + 1);
  }

  commit(group: SqliteGroup): Promise<unknown> {
    const { rows } = group;
    const committed = this.writer.call('commit', rows);
    return rows.reopened.length === 0
      ? committed
      : committed.then((refused) => (group.refused = refused ?? []));
  }

  publish({ lastId, entries, refused }: SqliteGroup): void {
    this.lastId = lastId;
    publishCommitted(this.bus, entries, refused);
  }

  async recover(error: unknown): Promise<void> {
    const { kind } = detailsOf(error);
    if (kind === 'superseded') this.superseded();
    else if (kind === 'log-gone') await this.renewLog();
    // After an error, a new connection can tell whether the commit succeeded. But if the file is gone, only the old connection still has
    // it.
    else if (kind !== 'file-gone') await this.writer.kill();
  }

  /** SQLite creates a new log once all connections with the old one are closed. */
  private async renewLog(): Promise<void> {
    try {
      await this.writer.call('checkpoint');
      await this.reader.close();
      await this.writer.close();
    } catch {
      // The next try of the commit closes them again.
    }
  }

  explain(error: unknown): string {
    return textOf(databaseError(this.path, error));
  }
}
