import { Injectable } from '@nestjs/common';
import { last, merge, Subject, takeUntil, timer, type Observable } from 'rxjs';
import { EmbeddedEngine } from '../engine/embedded-engine.js';
import type { RunEvent } from '../events/catalog.js';
import { EventBus } from '../events/event-bus.js';
import { Journal } from '../journal/journal.js';
import { milliseconds, millisecondsSince } from './duration.js';
import { deepFreeze } from './json.js';
import type { LosersPolicy, ReplyPolicy } from './policies.js';
import { decideBy, replyOf } from './reply.js';
import { outcomeOf } from './run-state.js';
import { runStatus, type Outcome, type Reply, type RunStatus } from './run.js';

/** What of a run decides its reply and its end. */
export interface RunTerms {
  readonly id: string;
  readonly task: string;
  /** The names of its sub-tasks. */
  readonly subTasks: readonly string[];
  readonly replyPolicy: ReplyPolicy;
  readonly losers: LosersPolicy;
}

/** A reply, and how things stood when it was decided. */
export interface Decision {
  readonly reply: Reply;
  readonly status: RunStatus;
  /** The sub-tasks that were still unfinished. */
  readonly background: readonly string[];
}

/** What is known of a run that has no reply when a stop comes. */
export interface Undecided {
  /** Whether the journal has the run, so that the next process goes on with it. */
  readonly recorded: boolean;
}

/** Makes of each run's committed outcomes its reply and its end, and journals both. */
@Injectable()
export class RunCoordinator {
  /** Called at a stop, for the runs whose decision someone waits for. */
  private readonly undecided = new Set<() => void>();
  private readonly stopped = new Subject<void>();

  constructor(
    private readonly engine: EmbeddedEngine,
    private readonly journal: Journal,
    private readonly bus: EventBus,
  ) {}

  /**
   * Follows a run to its end. The reply is made of committed outcomes alone, so whoever follows the run after a crash
   * decides the same; that is why nobody need wait for `run.replied` to be committed too.
   *
   * @param past the events that were committed before, the oldest first
   * @returns the decision, unless a stop comes first
   */
  follow(run: RunTerms, past: readonly RunEvent[] = []): Promise<Decision | Undecided> {
    const about = { runId: run.id, task: run.task };
    const settled: Outcome[] = [];
    const outcomes = new Subject<Outcome>();
    let reply: Reply | undefined;
    let repliedAt: string | undefined;
    let recorded = past.length > 0;
    let finished = false;
    outcomes.pipe(decideBy(run.replyPolicy, run.subTasks.length)).subscribe(() => {
      reply = deepFreeze(replyOf(run.replyPolicy, settled));
    });
    const take = (event: RunEvent): boolean => {
      if (event.type === 'run.replied') repliedAt = event.time;
      const outcome = outcomeOf(event);
      if (!outcome) return false;
      settled.push(outcome);
      outcomes.next(outcome);
      return true;
    };
    return new Promise((resolve) => {
      const giveUp = (): void => resolve({ recorded });
      let open = true;
      /** Called when all events of a commit are in, so that the reply tells of each of them. */
      const conclude = (): void => {
        if (!reply || finished) return;
        const background = run.subTasks.filter((name) => !settled.some(({ subTask }) => subTask === name));
        const status = runStatus(reply, settled);
        if (open) {
          open = false;
          const decision = { reply, status: background.length > 0 ? 'running' : status, background } as const;
          this.undecided.delete(giveUp);
          resolve(decision);
          if (repliedAt === undefined)
            void this.journal.append({ type: 'run.replied', ...about, data: decision });
          if (background.length > 0) this.releaseLosers(run, outcomes, millisecondsSince(repliedAt ?? null));
        }
        if (background.length > 0) return;
        finished = true;
        outcomes.complete();
        void this.journal.append({ type: 'run.finished', ...about, data: { status } });
      };
      this.undecided.add(giveUp);
      for (const event of past) take(event);
      this.bus.follow(run.id, (event) => {
        recorded = true;
        if (take(event)) queueMicrotask(conclude);
      });
      conclude();
    });
  }

  /** Lets nobody wait for decisions any more: what is undecided is left to the next process. */
  stop(): void {
    for (const giveUp of this.undecided) giveUp();
    this.undecided.clear();
    this.stopped.next();
  }

  private releaseLosers({ id, losers }: RunTerms, outcomes: Observable<Outcome>, sinceReplyMs: number): void {
    if (losers === 'continue') return;
    if (losers === 'cancel') {
      this.engine.cancel(id, 'not needed after the reply');
      return;
    }
    const cancel = (): void => {
      this.engine.cancel(id, `unfinished ${losers.after} after the reply`);
    };
    const leftMs = milliseconds(losers.after) - sinceReplyMs;
    if (leftMs <= 0) {
      cancel();
      return;
    }
    const finished = outcomes.pipe(last(null, undefined));
    timer(leftMs)
      .pipe(takeUntil(merge(finished, this.stopped)))
      .subscribe(cancel);
  }
}
