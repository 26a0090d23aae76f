import Queue from 'yocto-queue';

/** Limits for the newest finished runs: how many are kept, and how much memory their events may take together, in bytes. */
export const RETAINED_RUNS = 10_000;
const RETAINED_BYTES = 256 * 2 ** 20;
/** Share of the memory budget that the finished runs take at most, if that is less. They count in addition to the budget. */
const RETAINED_SHARE = 1 / 2;

/** The members of a run that matter here. */
export interface FinishedRun {
  readonly finishedAt: number | null;
  /** The run's last end while the run counts as finished. */
  end: { bytes: number } | undefined;
}

/** The end of a run. One that was reopened ends again. */
interface End<Run> {
  readonly run: Run;
  bytes: number;
}

/** Keeps the newest finished runs, as many as there is room for. */
export class FinishedRuns<Run extends FinishedRun> {
  /** The oldest end is in front. */
  private readonly ends = new Queue<End<Run>>();
  private runs = 0;
  private bytes = 0;
  private readonly maxBytes: number;

  /** @param forget called with each run for which there is no room any more */
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
    // The newest run stays: its caller may still ask for it.
    while (this.runs > RETAINED_RUNS || (this.bytes > this.maxBytes && this.runs > 1)) {
      const oldest = this.ends.dequeue();
      if (!oldest) return;
      if (oldest.run.end !== oldest) continue;
      this.leaveOut(oldest.run);
      // A run that was reopened counts again when it ends again.
      if (oldest.run.finishedAt !== null) this.forget(oldest.run);
    }
  }

  /** Called when the size of a run changes. */
  resize({ end }: Run, bytes: number): void {
    if (!end) return;
    this.bytes += bytes - end.bytes;
    end.bytes = bytes;
  }

  /** Stops counting a run. */
  private leaveOut(run: Run): void {
    if (!run.end) return;
    this.runs -= 1;
    this.bytes -= run.end.bytes;
    run.end = undefined;
  }
}
