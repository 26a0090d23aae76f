import { NOT_NEEDED, PAST_DEADLINE } from '../core/run.js';
import { callAfter } from './call-after.js';
import { endEach } from './end-each.js';
import type { Execution } from './execution.js';
import { deadlineOf } from './reply.js';
import type { RunTerms } from './run-terms.js';
import type { SubTaskRun } from './sub-task-run.js';

/** The run whose reply is timed. */
interface TimedRun {
  readonly execution: Execution;
  readonly terms: RunTerms;
  readonly subTasks: readonly SubTaskRun[];
  cancel(reason: string): void;
}

interface TimedReply {
  /** The sub-task whose stream callers are shown, as long as that decides. */
  readonly shown: string | undefined;
  /** Called when the deadline of the reply comes. */
  replyNow(): void;
}

/** The timers of one run's reply: its deadline, that of the run, and the one that ends the losers. */
export class ReplyTimers {
  private replyDeadline: NodeJS.Timeout | undefined;
  private runDeadline: NodeJS.Timeout | undefined;
  private losersDeadline: NodeJS.Timeout | undefined;

  constructor(
    private readonly run: TimedRun,
    private readonly reply: TimedReply,
  ) {}

  /** @param isReplied whether there is a reply: then the reply's deadline doesn't matter */
  watchDeadlines(sinceStartMs: number, isReplied = false): void {
    const { run, reply } = this;
    const { replyPolicy, deadline } = run.terms;
    const { clock } = run.execution;
    const ofReply = isReplied ? undefined : deadlineOf(replyPolicy);
    if (ofReply !== undefined)
      this.replyDeadline = callAfter(clock, ofReply, sinceStartMs, () => {
        reply.replyNow();
      });
    if (deadline !== undefined)
      this.runDeadline = callAfter(clock, deadline, sinceStartMs, () => {
        run.cancel(PAST_DEADLINE);
      });
  }

  /** Called when there is a reply. */
  replied(): void {
    this.run.execution.clock.clearTimeout(this.replyDeadline);
  }

  /**
   * Applies the losers policy to unfinished sub-tasks, after the reply or once callers are shown the stream of another sub-task.
   *
   * @param sinceReplyMs how long ago the reply was, in milliseconds
   */
  releaseLosers(sinceReplyMs: number): void {
    const { losers } = this.run.terms;
    this.keepLosers();
    if (losers === 'cancel') this.cancelLosers(NOT_NEEDED);
    else if (losers !== 'continue')
      this.losersDeadline = callAfter(this.run.execution.clock, losers.after, sinceReplyMs, () => {
        this.cancelLosers(`unfinished ${losers.after} after the reply`);
      });
  }

  /** Undoes {@link releaseLosers} for losers that have not ended. */
  keepLosers(): void {
    this.run.execution.clock.clearTimeout(this.losersDeadline);
  }

  /** Called when the losers have ended. */
  end(): void {
    this.keepLosers();
    this.replied();
    this.run.execution.clock.clearTimeout(this.runDeadline);
  }

  /** Cancels unfinished sub-tasks, except shadows, the stream that callers are shown, and streams that may have to replace it. */
  private cancelLosers(reason: string): void {
    const { shown } = this.reply;
    const { subTasks, terms } = this.run;
    const mayRestart = shown !== undefined && terms.onBreak === 'restart';
    const losers = subTasks.filter(
      ({ name, phase }) =>
        name !== shown && !(mayRestart && phase === 'held') && !terms.shadows?.includes(name),
    );
    endEach(losers, (subTask) => {
      subTask.cancel(reason);
    });
  }
}
