/** The hedge budget of a task counts its last runs, so many of them. */
export const BUDGETED_RUNS = 1_000;

/**
 * How many extra starts a task may still have: of its last {@link BUDGETED_RUNS} runs that began or were resumed in this process,
 * or of all while they are fewer, no larger share than was declared. A start is put down to the run that began last.
 */
export class HedgeBudget {
  /** Extra starts of each run; a ring buffer. */
  private readonly starts = new Uint16Array(BUDGETED_RUNS);
  private newest = 0;
  private runs = 0;
  private total = 0;

  /** @param share how many extra starts a run may have on average; Infinity for no bound */
  constructor(readonly share: number) {}

  runBegan(): void {
    this.newest = (this.newest + 1) % BUDGETED_RUNS;
    this.total -= this.starts[this.newest] ?? 0;
    this.starts[this.newest] = 0;
    if (this.runs < BUDGETED_RUNS) this.runs += 1;
  }

  /** Whether there is an extra start left. */
  get hasMore(): boolean {
    return (this.total + 1) / this.runs <= this.share;
  }

  /** Takes one extra start; false when there is none left. */
  take(): boolean {
    if (!this.hasMore) return false;
    this.total += 1;
    this.starts[this.newest] = (this.starts[this.newest] ?? 0) + 1;
    return true;
  }
}
