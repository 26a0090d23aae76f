import type { Clock } from '../core/clock.js';
import { MAX_DURATION_MS } from '../core/duration.js';
import type { Decision } from '../core/run.js';

/** State of a run without a reply, when this process stops executing it. */
export interface Undecided {
  /** Whether the journal has the run, so that another process resumes it. */
  readonly recorded: boolean;
  /** Whether another node resumes the run now; otherwise the next process that starts does. */
  readonly elsewhere: boolean;
  /** Whether the journal can't hold the run. */
  readonly unstorable?: boolean;
}

interface Caller {
  readonly resolve: (told: Decision | Undecided | undefined) => void;
  timer: NodeJS.Timeout | undefined;
  /** Whether its time is over, so that it waits only until the run is recorded. */
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

  /** The answer to a caller when another node has the run. */
  get elsewhere(): Undecided {
    return { recorded: this.recorded, elsewhere: true, unstorable: this.unstorable };
  }

  /** Resolves with the reply, or with undefined after `waitMs` milliseconds, but not before the run is recorded. */
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

  /** Tells all waiting callers. */
  tell(told: Decision | Undecided): void {
    const { callers } = this;
    this.callers = [];
    for (const caller of callers) {
      this.clock.clearTimeout(caller.timer);
      caller.resolve(told);
    }
  }

  /** Tells all waiting callers that there is no run: the journal can't hold it. */
  refuse(): void {
    this.unstorable = true;
    this.tell(this.elsewhere);
  }

  /** Tells all waiting callers that this process doesn't decide. @param elsewhere whether another node does now; otherwise the next process */
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
