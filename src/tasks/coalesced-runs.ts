import { Injectable } from '@nestjs/common';
import type { Coalescing } from '../core/coalescing.js';
import { DomainError } from '../core/domain-error.js';
import { Measures } from '../core/measures.js';
import type { RunTerms } from '../run/run-terms.js';
import { Runs } from '../run/runs.js';
import { equalityOf } from './equal-requests.js';
import { HeldKeys } from './held-keys.js';
import { PastReplies } from './past-replies.js';
import type { StartGate } from './start-gate.js';
import type { RunRequest } from './tasks.schemas.js';
import type { StartedRun } from './started-run.js';

/** Lets equal requests share a run, or answers them from the last good run, as the task's `coalesce` and `reuse` say. */
@Injectable()
export class CoalescedRuns {
  constructor(
    private readonly runs: Runs,
    private readonly held: HeldKeys,
    private readonly past: PastReplies,
    private readonly measures: Measures,
  ) {}

  /**
   * Finds the run that answers a request: a past run, or a run under way. Where there is none, starts the run of the terms.
   *
   * @param request the request that the terms were made from
   * @param gate the gate that a run passes before it starts
   * @throws {DomainError} `journal-unavailable`, and what {@link Runs.start} throws
   */
  async start(
    terms: RunTerms,
    request: RunRequest,
    coalescing: Coalescing,
    gate?: StartGate,
  ): Promise<StartedRun> {
    const key = equalityOf(terms, request, coalescing);
    if (key === undefined) {
      await gate?.pass(undefined);
      this.runs.start(terms);
      return { runId: terms.id, task: terms.task, replayed: false };
    }
    const { reuse } = coalescing;
    const past = reuse && (await this.past.find(key, reuse));
    if (!reuse || !past || past.ageMs >= Math.max(reuse.forMs, reuse.staleIfErrorMs))
      return this.counted(await this.held.attach(key, terms, coalescing, gate));
    const reused = { runId: past.runId, task: terms.task, replayed: false, reused: past };
    if (past.ageMs < reuse.forMs) {
      if (past.ageMs >= reuse.forMs / 2 && !this.held.has(key) && this.past.mayRefresh(key, reuse))
        // The next request tries again. If the new run fails, the run's own record says so.
        this.held.attach(key, terms, coalescing).catch(() => undefined);
      return this.counted(reused);
    }
    try {
      const started = this.counted(await this.held.attach(key, terms, coalescing, gate));
      return { ...started, stale: { runId: past.runId, maxAgeMs: reuse.staleIfErrorMs } };
    } catch (refusal) {
      if (refusal instanceof DomainError && refusal.code === 'overloaded') return this.counted(reused);
      throw refusal;
    }
  }

  private counted(run: StartedRun): StartedRun {
    if (run.reused ?? run.coalesced)
      for (const hearer of this.measures.hearers)
        hearer.shared(run.task, run.reused ? 'reused' : 'coalesced');
    return run;
  }
}
