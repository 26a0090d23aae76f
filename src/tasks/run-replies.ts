import { Injectable } from '@nestjs/common';
import { DomainError, invalidRequest } from '../core/domain-error.js';
import { MAX_DURATION_MS } from '../core/duration.js';
import type { RunRecord } from '../core/run-record.js';
import type { Decision } from '../core/run.js';
import { Journal } from '../run/journal.js';
import { Runs } from '../run/runs.js';
import type { Undecided } from '../run/waiting-callers.js';
import { Recovery } from './recovery.js';
import { RunWatch } from './run-watch.js';
import type { Answer, StartedRun } from './started-run.js';

/** Waits for the replies of runs, also of past runs and of runs on other nodes. */
@Injectable()
export class RunReplies {
  constructor(
    private readonly runs: Runs,
    private readonly recovery: Recovery,
    private readonly watch: RunWatch,
    private readonly journal: Journal,
  ) {}

  /**
   * Resolves as soon as the journal has the outcomes from which the run's policy makes the reply.
   *
   * @returns undefined when the reply takes longer than `waitMs` milliseconds, but not before the journal has the run
   * @throws {DomainError} `run-failed` or `run-cancelled` when the policy can't be met any more, `run-disputed`, `deadline-exceeded`, `stopping`
   */
  async of(
    { runId, task, begun }: Pick<StartedRun, 'runId' | 'task' | 'begun'>,
    waitMs = MAX_DURATION_MS,
  ): Promise<Answer | undefined> {
    const until = this.watch.elapsed + waitMs;
    if (begun) {
      if (!(await begun(waitMs))) return undefined;
      waitMs = Math.max(0, until - this.watch.elapsed);
    }
    const run = this.runs.get(runId);
    let decision = await (run && !run.replyIsInJournalAlone
      ? run.reply(waitMs)
      : this.pastDecision(runId, waitMs));
    if (decision && 'recorded' in decision && decision.elsewhere) {
      if (!decision.recorded) throw unrecorded(runId, decision);
      decision = await this.decisionElsewhere(runId, Math.max(0, until - this.watch.elapsed));
    }
    return decision && answerOf(runId, task, decision);
  }

  /**
   * Resolves when the journal has a run. It always has runs that are not live.
   *
   * @throws {DomainError} `invalid-request`, `journal-unavailable`, `stopping`
   */
  async recorded({ runId }: Pick<StartedRun, 'runId'>): Promise<void> {
    const told = await this.runs.get(runId)?.reply(0);
    if (told && 'recorded' in told && !told.recorded) throw unrecorded(runId, told);
  }

  /** The decision of a run that is not in memory any more, that another node executes, or that recovery has yet to resume. */
  private async pastDecision(runId: string, waitMs: number): Promise<Decision | Undecided | undefined> {
    const run = await this.watch.get(runId);
    if (waitMs === 0) return undefined;
    if (run.decision && isDecided(run)) return run.decision;
    // Only a command lets a run that is set aside go on.
    if (run.status === 'set-aside') return run.decision ?? undefined;
    if (this.journal.sharing) return this.decisionElsewhere(runId, waitMs);
    if (!(await this.recovery.resume(run))) return { recorded: true, elsewhere: false };
    const resumed = this.runs.get(runId);
    return resumed ? resumed.reply(waitMs) : ((await this.watch.get(runId)).decision ?? undefined);
  }

  /** The decision of a run that another node executes, or will execute once the earlier node is known to be dead. */
  private async decisionElsewhere(runId: string, waitMs: number): Promise<Decision | undefined> {
    const types = ['run.replied', 'run.finished'] as const;
    const { decision } = await this.watch.when(runId, isDecided, { waitMs, types });
    return decision ?? undefined;
  }
}

/** Whether the decision is final. An error may still become a result as long as the run goes on. */
function isDecided({ decision, finishedAt }: Readonly<RunRecord>): boolean {
  return decision !== null && (finishedAt !== null || !('error' in decision.reply));
}

function unrecorded(runId: string, undecided: Undecided): DomainError {
  if (!undecided.elsewhere) return stopped(runId, undecided);
  if (undecided.unstorable)
    return invalidRequest([{ pointer: '/input', detail: 'The database of the service can’t store it' }]);
  const message = 'This node lost its place among the others before the run was recorded; send it again';
  return new DomainError('journal-unavailable', message, { runId });
}

/** The answer to a caller from a decision. @throws {DomainError} as {@link RunReplies.of} does */
export function answerOf(runId: string, task: string, decision: Decision | Undecided): Answer {
  if ('recorded' in decision) throw stopped(runId, decision);
  const { reply, status, background } = decision;
  if (!('error' in reply)) return { runId, task, status, ...reply, background };
  const { code, message, ...details } = reply.error;
  throw new DomainError(code, message, { runId, ...details });
}

function stopped(runId: string, { recorded }: Undecided): DomainError {
  const message = recorded
    ? 'The service stopped before there was a reply; its next start goes on with the run'
    : 'The service stopped before it knew that the run is recorded; send it again if, after the next start, there is none';
  return new DomainError('stopping', message, { runId });
}
