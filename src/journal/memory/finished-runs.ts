import Queue from 'yocto-queue';

/** How many finished runs are kept, the newest ones, and how much memory their events may take together, in bytes. */
export const RETAINED_RUNS = 10_000;
const RETAINED_BYTES = 256 * 2 ** 20;
/** They take no more than this share of the memory budget besides it, where that is less. */
const RETAINED_SHARE = 1 / 2;

/** A run as far as it counts among the finished ones. */
export interface FinishedRun {
  readonly finishedAt: number | null;
  /** Its last end, as long as it counts. */
  end: { bytes: number } | undefined;
}

/** The end of a run. One that was reopened ends again. */
interface End<Run> {
  readonly run: Run;
  bytes: number;
}

/** Keeps as many finished runs as there is room for, the newest ones. */
export class FinishedRuns<Run extends FinishedRun> {
  /** The first end in front. */
  private readonly ends = new Queue<End<Run>>();
  private runs = 0;
  private bytes = 0;
  private readonly maxBytes: number;

  /** @param forget called with each run that there is no room for any more */
  constructor(
    budgetBytes: number,
    private readonly forget: (run: Run) => void,
  ) {
    this.maxBytes = Math.min(RETAINED_BYTES, budgetBytes * RETAINED_SHARE);
  }

  add(run: Run, bytes: number): void {
    this.leaveOut(run);
    const end = { run, bytes };
    run.end = end;
    this.ends.enqueue(end);
    this.runs += 1;
    this.bytes += bytes;
    // The newest one stays: its caller may still ask for it.
    while (this.runs > RETAINED_RUNS || (this.bytes > this.maxBytes && this.runs > 1)) {
      const oldest = this.ends.dequeue();
      if (!oldest) return;
      if (oldest.run.end !== oldest) continue;
      this.leaveOut(oldest.run);
      // One that was reopened counts again when it ends again.
      if (oldest.run.finishedAt !== null) this.forget(oldest.run);
    }
  }

  /** Called when a run takes more or less memory than it did. */
  resize({ end }: Run, bytes: number): void {
    if (!end) return;
    this.bytes += bytes - end.bytes;
    end.bytes = bytes;
  }

  /** Counts a run no more. */
  private leaveOut(run: Run): void {
    if (!run.end) return;
    this.runs -= 1;
    this.bytes -= run.end.bytes;
    run.end = undefined;
  }
}
