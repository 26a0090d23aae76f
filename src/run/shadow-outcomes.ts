import type { Outcome } from '../core/run.js';

/** The committed outcomes of the shadows of a run, which decide nothing: the run ends when they are all in. */
export class ShadowOutcomes {
  private readonly settled = new Map<string, Outcome>();

  constructor(private readonly names: readonly string[]) {}

  get complete(): boolean {
    return this.settled.size === this.names.length;
  }

  includes(subTask: string): boolean {
    return this.names.includes(subTask);
  }

  of(subTask: string): Outcome | undefined {
    return this.settled.get(subTask);
  }

  settle(outcome: Outcome): void {
    // No reply takes its result.
    this.settled.set(
      outcome.subTask,
      outcome.status === 'succeeded' ? { ...outcome, result: null } : outcome,
    );
  }

  /** Removes an outcome, because its sub-task is retried. */
  unsettle(subTask: string): void {
    this.settled.delete(subTask);
  }
}
