import type { Clock } from '../core/clock.js';
import { MAX_DURATION_MS } from '../core/duration.js';
import type { Decision } from '../core/run.js';

/** What is known of a run that has no reply when this process stops executing it. */
export interface Undecided {
  /** Whether the journal has the run, so that another process resumes it. */
  readonly recorded: boolean;
  /** Whether another node resumes it now; else the next process that starts. */
  readonly elsewhere: boolean;
  /** Whether the journal can't hold the run. */
  readonly unstorable?: boolean;
}

interface Caller {
  readonly resolve: (told: Decision | Undecided | undefined) => void;
  timer: NodeJS.Timeout | undefined;
  /** Its time is over: it waits only for the journal to have the run. */
  expired: boolean;
}

/** The callers that wait for the reply of one run. */
export class WaitingCallers {
  private callers: Caller[] = [];
  private recorded: boolean;
  private unstorable = false;

  /** @param recorded whether the journal has the run */
  constructor(
    private readonly clock: Clock,
    recorded: boolean,
  ) {
    this.recorded = recorded;
  }

  /** What a caller is told when another node has the run. */
  get elsewhere(): Undecided {
    return { recorded: this.recorded, elsewhere: true, unstorable: this.unstorable };
  }

  /** Resolves with the reply; with undefined after `waitMs` milliseconds, but not before the journal has the run. */
  wait(waitMs: number): Promise<Decision | Undecided | undefined> {
    return new Promise((resolve) => {
      const caller: Caller = { resolve, timer: undefined, expired: waitMs === 0 };
      if (caller.expired && this.recorded) {
        resolve(undefined);
        return;
      }
      if (waitMs > 0 && waitMs < MAX_DURATION_MS)
        caller.timer = this.clock.setTimeout(this.expire, waitMs, caller);
      this.callers.push(caller);
    });
  }

  /** Ends the wait of all. */
  tell(told: Decision | Undecided): void {
    const { callers } = this;
    this.callers = [];
    for (const caller of callers) {
      this.clock.clearTimeout(caller.timer);
      caller.resolve(told);
    }
  }

  /** Ends the wait of all, because there is no run: the journal can't hold it. */
  refuse(): void {
    this.unstorable = true;
    this.tell(this.elsewhere);
  }

  /** Ends the wait of all, because this process doesn't decide. @param elsewhere whether another node does now; else the next process */
  giveUp(elsewhere: boolean): void {
    this.tell({ recorded: this.recorded, elsewhere });
  }

  /** Called when the journal has the run. */
  runIsRecorded(): void {
    this.recorded = true;
    for (const caller of this.callers) if (caller.expired) this.dismiss(caller);
  }

  private readonly expire = (caller: Caller): void => {
    caller.expired = true;
    if (this.recorded) this.dismiss(caller);
  };

  private dismiss(caller: Caller): void {
    this.callers = this.callers.filter((other) => other !== caller);
    caller.resolve(undefined);
  }
}
