import type { EventBus } from '../../events/event-bus.js';
import { textOf } from '../../core/thrown.js';
import { tellRuns } from '../publish-committed.js';
import type { GroupLog } from '../group-commit.js';
import type { CommitNotices } from './commit-notices.js';
import type { DatabaseClock } from './database-clock.js';
import type { LogTail } from './log-tail.js';
import { postgresError } from './postgres-connection.js';
import { PostgresGroup } from './postgres-group.js';
import type { PostgresWriter } from './postgres-writer.js';

/** What the database answers a node that was taken for dead. */
const TAKEN_FOR_DEAD = 'FR001';

/** The log in Postgres: the database numbers its groups when it commits them, for other nodes write too. */
export class PostgresLog implements GroupLog<PostgresGroup> {
  /**
   * @param url names the database in what is logged
   * @param lost called when the node was taken for dead
   */
  constructor(
    private readonly url: string,
    private readonly writer: PostgresWriter,
    private readonly bus: EventBus,
    private readonly tail: LogTail,
    private readonly notices: CommitNotices,
    private readonly node: { readonly id: string },
    private readonly clock: DatabaseClock,
    private readonly lost: () => Promise<void>,
  ) {}

  begin(before?: PostgresGroup): PostgresGroup {
    return new PostgresGroup((before?.number ?? 0) + 1, this.clock);
  }

  async commit(group: PostgresGroup): Promise<void> {
    group.tells ??= this.notices.isDue(group.isUrgent);
    group.guess = this.tail.lastId + 1;
    group.result = await this.writer.commit(this.node.id, group);
  }

  publish(group: PostgresGroup): void {
    const { committed, rows, refused } = group.outcome();
    tellRuns(committed);
    this.bus.publishOwn(committed);
    this.tail.add(rows);
    const last = committed.at(-1);
    if (last) this.notices.committed(last.event.id, group.tells === true);
    for (const { run, event, isLost } of refused) run.refused(event, isLost);
  }

  /** Whatever became of the commit: another connection learns of it. */
  async recover(error: unknown): Promise<void> {
    if (saysDead(error)) await this.lost();
    else await this.writer.close();
  }

  explain(error: unknown): string | undefined {
    return saysDead(error) ? undefined : textOf(postgresError(this.url, error));
  }
}

function saysDead(error: unknown): boolean {
  return (error as { code?: string }).code === TAKEN_FOR_DEAD;
}
