/**
 * Tells other nodes how far the log has come. Each notice wakes two connections of every node, so commits of a moment share one. A commit
 * that another node waits for, or whose sub-tasks it executes, is announced at once.
 */
export class CommitNotices {
  /** The shortest time between two notices of commits that no other node waits for, in milliseconds. */
  static readonly pauseMs: number = 25;
  /** When the last notice went out, on the clock of `performance.now()`. */
  private toldAt = -Infinity;
  /** The last event that no notice has announced; 0 when there is none. */
  private untold = 0;
  private timer: NodeJS.Timeout | undefined;

  /** @param tell announces that events up to `lastId` are committed */
  constructor(private readonly tell: (lastId: number) => void) {}

  /** Whether a commit is to announce itself. @param urgent whether another node waits for it */
  isDue(urgent: boolean): boolean {
    return urgent || performance.now() - this.toldAt >= CommitNotices.pauseMs;
  }

  /** To be called after a commit. @param told whether the commit has announced itself */
  committed(lastId: number, told: boolean): void {
    if (told) {
      this.close();
      this.toldAt = performance.now();
      return;
    }
    this.untold = lastId;
    const leftMs = this.toldAt + CommitNotices.pauseMs - performance.now();
    this.timer ??= setTimeout(this.tellLater, Math.max(leftMs, 0));
  }

  /** Drops the notice that waits. */
  close(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.untold = 0;
  }

  private readonly tellLater = (): void => {
    const { untold } = this;
    this.close();
    this.toldAt = performance.now();
    this.tell(untold);
  };
}
