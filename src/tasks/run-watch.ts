import { Injectable } from '@nestjs/common';
import { EventBus } from '../events/event-bus.js';
import type { Clock } from '../core/clock.js';
import { MAX_DURATION_MS } from '../core/duration.js';
import type { EventType } from '../core/events.js';
import { Journal } from '../run/journal.js';
import type { Run } from '../run/run.js';
import { Runs } from '../run/runs.js';
import { unknownRun } from '../core/domain-error.js';
import type { RunRecord } from '../core/run-record.js';
import { standingOf, type RunStanding } from '../core/run-standing.js';

interface WaitOptions {
  readonly waitMs: number;
  /** Types of the events that may end the wait. Default: all. */
  readonly types?: readonly EventType[];
  /** Goes on waiting while the service stops. */
  readonly throughStop?: boolean;
  /** The run, where this process executes it. The wait ends when this process executes the run no more. */
  readonly live?: Run | undefined;
}

/** Reads runs, at once or when a condition holds. */
@Injectable()
export class RunWatch {
  /** Functions that end the waits under way. */
  private readonly waits = new Set<() => void>();
  private stopped = false;

  constructor(
    private readonly runs: Runs,
    private readonly journal: Journal,
    private readonly bus: EventBus,
  ) {}

  /** The clock by which waits are timed. */
  private get clock(): Clock {
    return this.runs.execution.clock;
  }

  /** The time on the clock by which waits are timed, in milliseconds. */
  get elapsed(): number {
    return this.clock.elapsed();
  }

  /** @throws {DomainError} `run-unknown`, `journal-unavailable` */
  async get(id: string): Promise<Readonly<RunRecord>> {
    const live = this.runs.get(id);
    if (live) await this.journal.committed(id);
    const { sharing, setAside } = this.journal;
    const known = live?.record;
    if (live?.shared && sharing && known?.finishedAt === null) return sharing.withDeadLetters(known);
    const run = known ?? (await this.journal.run(id, live?.commits));
    if (run) return setAside.has(id) ? { ...run, status: 'set-aside' } : run;
    throw unknownRun(id);
  }

  /** How far a run has come. Doesn't ask the journal for a live run. @throws {DomainError} `run-unknown`, `journal-unavailable` */
  async standing(id: string): Promise<RunStanding> {
    return this.runs.get(id)?.standing ?? standingOf(await this.get(id));
  }

  /**
   * Refuses a run of another client with the same error as a run that doesn't exist.
   *
   * @param client undefined for callers who see all runs
   * @throws {DomainError} `run-unknown`, `journal-unavailable`
   */
  async requireSeen(id: string, client: string | undefined): Promise<void> {
    if (client !== undefined && (await this.get(id)).clientId !== client) throw unknownRun(id);
  }

  /**
   * Waits until `holds` is true for the run, or until one of these: the first event of `types`, `waitMs` milliseconds, a stop, the end of `live`.
   * An event that is part of the run already may arrive late, and ends the wait too. So `holds` may be false of the run that is returned.
   *
   * @throws {DomainError} as {@link get} does
   */
  async when(
    id: string,
    holds: (run: Readonly<RunRecord>) => boolean,
    { waitMs, types, throughStop = false, live }: WaitOptions,
  ): Promise<Readonly<RunRecord>> {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const end = (): void => {
      resolve(undefined);
    };
    const unwatch = this.bus.watch(id, ({ type }) => {
      if (types?.includes(type) ?? true) end();
    });
    const liveIsGone = live && this.runs.whenGone(live, end);
    const timer = waitMs < MAX_DURATION_MS ? this.clock.setTimeout(end, waitMs) : undefined;
    if (!throughStop) this.waits.add(end);
    try {
      const run = await this.get(id);
      if ((this.stopped && !throughStop) || holds(run)) return run;
      await promise;
      return await this.get(id);
    } finally {
      unwatch();
      liveIsGone?.unsubscribe();
      this.clock.clearTimeout(timer);
      this.waits.delete(end);
    }
  }

  /** Waits as {@link when} does, but an event alone doesn't end the wait. @param options `until`: a time on the clock of {@link elapsed} */
  async until(
    id: string,
    holds: (run: Readonly<RunRecord>) => boolean,
    { until, ...options }: Omit<WaitOptions, 'waitMs'> & { readonly until: number },
  ): Promise<Readonly<RunRecord>> {
    const { live } = options;
    for (;;) {
      const waitMs = Math.max(0, until - this.elapsed);
      const run = await this.when(id, holds, { ...options, waitMs });
      const isGone = live && this.runs.get(id) !== live;
      if (holds(run) || waitMs === 0 || this.stopped || isGone) return run;
    }
  }

  /** Ends all waits, and lets none begin. */
  stop(): void {
    this.stopped = true;
    for (const end of this.waits) end();
  }
}
