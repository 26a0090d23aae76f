import type { JournaledRun } from '../../run/journaled-run.js';
import type { EventBus } from '../../events/event-bus.js';
import { textOf } from '../../core/thrown.js';
import { loggerOf } from '../../core/logger-of.js';
import { tellRuns } from '../publish-committed.js';
import type { GroupLog } from '../group-commit.js';
import type { CommitNotices } from './commit-notices.js';
import type { DatabaseClock } from './database-clock.js';
import type { LogTail } from './log-tail.js';
import { isSilence, postgresError } from './postgres-connection.js';
import { PostgresGroup } from './postgres-group.js';
import type { PostgresWriter } from './postgres-writer.js';

/** The database's error code for a commit of a node that was taken for dead. */
const TAKEN_FOR_DEAD = 'FR001';

/** The log in Postgres. The database numbers the events of a group when it commits the group, because other nodes write too. */
export class PostgresLog implements GroupLog<PostgresGroup> {
  private readonly logger = loggerOf('journal');
  /** How many groups this node has committed. */
  private committed = 0;
  /** Runs that were never recorded, because the database can't hold their start. */
  private readonly dropped = new WeakSet<JournaledRun>();
  private hasDropped = false;

  /**
   * @param url names the database in logs
   * @param lost called when this node was taken for dead
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
    if (!before) this.committed = 0;
    return new PostgresGroup(this.clock);
  }

  /**
   * Commits a group as a whole. If its content makes that impossible, commits it in parts, so that the faulty event holds up no other.
   */
  async commit(group: PostgresGroup): Promise<void> {
    if (group.result) return;
    if (this.hasDropped && !group.parts) group.leaveOut(this.dropped);
    if (!group.parts) {
      try {
        await this.commitWhole(group);
        return;
      } catch (error) {
        if (!isOfItsOwn(error) || !group.divide(textOf(error))) throw error;
        for (const { run } of group.unstorable) this.drop(run, error);
      }
    }
    for (const part of group.parts ?? []) await this.commit(part);
  }

  publish(group: PostgresGroup): void {
    for (const part of group.parts ?? []) this.publish(part);
    for (const { run, event, isLost } of group.unstorable) run.refused(event, isLost);
    if (!group.result) return;
    const { committed, rows, refused } = group.result;
    tellRuns(committed);
    this.bus.publishOwn(committed);
    this.tail.add(rows);
    const last = committed.at(-1);
    if (last) this.notices.committed(last.event.id, group.tells === true);
    for (const { run, event, isLost } of refused) run.refused(event, isLost);
  }

  private async commitWhole(group: PostgresGroup): Promise<void> {
    const { id } = this.node;
    const number = this.committed + 1;
    group.tells ??= this.notices.isDue(group.isUrgent);
    group.guess = this.tail.lastId + 1;
    const committed = await this.writer.commit(id, number, group);
    // The group may belong to a former id of this node, which was taken for dead meanwhile.
    if (this.node.id === id) this.committed = number;
    group.settleAs(committed);
  }

  private drop(run: JournaledRun, error: unknown): void {
    this.dropped.add(run);
    this.hasDropped = true;
    const { id: runId } = run;
    this.logger.error({
      msg: `A run was refused: the database can’t hold its input: ${textOf(error)}`,
      runId,
    });
  }

  /** A failed commit may have succeeded all the same: a new connection finds out. */
  async recover(error: unknown): Promise<void> {
    if (saysDead(error)) await this.lost();
    else if (isSilence(error)) await this.writer.giveUp();
    else await this.writer.close();
  }

  explain(error: unknown): string | undefined {
    return saysDead(error) ? undefined : textOf(postgresError(this.url, error));
  }
}

/** Whether a commit failed because of its content (data exceptions, or too much data), and not because of the database's state. */
function isOfItsOwn(error: unknown): boolean {
  const { code = '' } = error as { code?: string };
  return /^(22|54)/.test(code) || error instanceof RangeError;
}

function saysDead(error: unknown): boolean {
  return (error as { code?: string }).code === TAKEN_FOR_DEAD;
}
