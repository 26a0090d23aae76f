import type { Outcome } from '../core/run.js';

/** The committed outcomes of a run's shadows. They decide no reply, but the run ends only when all are in. */
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
    // No reply contains the result of a shadow.
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
