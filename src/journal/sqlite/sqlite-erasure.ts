import { setTimeout as delay } from 'node:timers/promises';
import { DomainError } from '../../core/domain-error.js';
import { textOf } from '../../core/thrown.js';
import type { EventBus } from '../../events/event-bus.js';
import type { DamageWatch } from '../damage-watch.js';
import type { SqliteThread } from './sqlite-thread.js';

/** How long a try to empty the write-ahead log waits for readers, and the pause before the next, in milliseconds. */
const PATIENCE_MS = 100;
const RETRY_MS = 1_000;

/** Erases runs from an SQLite file and from its write-ahead log. */
export class SqliteErasure {
  /** Repeated tries to empty the log; undefined when none are under way. */
  private emptying: Promise<void> | undefined;

  /**
   * @param closing aborted when nothing is to be tried again: the end of the last connection removes the log
   */
  constructor(
    private readonly damage: DamageWatch,
    private readonly writer: SqliteThread,
    private readonly bus: EventBus,
    private readonly closing: AbortSignal,
  ) {}

  /**
   * Erases a run: see the journal. If another program reads the file for long, the log is emptied as soon as that program ends its read.
   */
  async erase(id: string): Promise<boolean> {
    try {
      return await this.damage.heed(() => this.eraseNow(id));
    } catch (error) {
      throw new DomainError('journal-unavailable', `The journal can’t be written: ${textOf(error)}`);
    }
  }

  private async eraseNow(id: string): Promise<boolean> {
    if (!(await this.writer.call('erase', id))) return false;
    this.bus.erased(id);
    if (!(await this.emptyLog())) this.emptying ??= this.emptyLogLater();
    return true;
  }

  private async emptyLogLater(): Promise<void> {
    try {
      do await delay(RETRY_MS, undefined, { signal: this.closing });
      while (!(await this.emptyLog()));
    } catch {
      // The journal is closing.
    }
    this.emptying = undefined;
  }

  private emptyLog(): Promise<boolean> {
    return this.writer.call('checkpoint', PATIENCE_MS).then(
      () => true,
      () => false,
    );
  }
}
