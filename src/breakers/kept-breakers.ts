import { Injectable, Optional, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import ms from 'ms';
import type { Subscription } from 'rxjs';
import { upstreamOf, type BreakerTerms } from '../core/breaker.js';
import { Clock, systemClock } from '../core/clock.js';
import { loggerOf } from '../core/logger-of.js';
import type { AttemptError } from '../core/run.js';
import { textOf } from '../core/thrown.js';
import { Breakers, type BreakerState, type Passage } from '../run/breakers.js';
import { Journal } from '../run/journal.js';
import { TaskRegistry } from '../tasks/task-registry.js';
import { Breaker, type BreakerChange } from './breaker.js';
import { BreakerNotes } from './breaker-notes.js';

/** How often a node reads the notes of other nodes, and retries failed writes, in milliseconds. */
const BEAT_MS = 1_000;

const logger = loggerOf('breaker');

/** The breakers of this process. Their states are kept in the journal, for restarts and for other nodes. */
@Injectable()
export class KeptBreakers extends Breakers implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly breakers = new Map<string, Breaker>();
  private readonly notes: BreakerNotes;
  /** Breakers with changes that aren't written yet. */
  private readonly unkept = new Set<Breaker>();
  /** Counts changes in this process, so that an older note doesn’t undo them. */
  private changes = 0;
  private keeping: Promise<void> | undefined;
  private known: Promise<void> | undefined;
  private timer: NodeJS.Timeout | undefined;
  private ended = false;
  private readonly reloads: Subscription;

  constructor(
    private readonly journal: Journal,
    private readonly tasks: TaskRegistry,
    @Optional() private readonly clock: Clock = systemClock,
  ) {
    super();
    this.notes = new BreakerNotes(journal);
    this.reloads = tasks.replaced.subscribe(() => void this.ready());
  }

  onApplicationBootstrap(): Promise<void> {
    return this.ready();
  }

  async onModuleDestroy(): Promise<void> {
    this.ended = true;
    this.reloads.unsubscribe();
    this.clock.clearTimeout(this.timer);
    await this.keeping;
  }

  /** Reads the notes. Does nothing while no sub-task has a breaker. */
  ready(): Promise<void> {
    if (!this.known && this.declared().size > 0) this.known = this.beat();
    return this.known ?? Promise.resolve();
  }

  admit(terms: BreakerTerms, task: string, subTask: string): Passage | AttemptError {
    return this.of(upstreamOf(terms, task, subTask)).admit(terms);
  }

  refusal(terms: BreakerTerms, task: string, subTask: string): AttemptError | undefined {
    return this.breakers.get(upstreamOf(terms, task, subTask))?.refusal();
  }

  isOpen(terms: BreakerTerms, task: string, subTask: string): boolean {
    return this.breakers.get(upstreamOf(terms, task, subTask))?.state === 'open';
  }

  states(): readonly { readonly upstream: string; readonly state: BreakerState; readonly opened: number }[] {
    return [...this.breakers.values()];
  }

  /** The breakers that sub-tasks declare, and all others that aren’t closed, with the sub-tasks that use each. */
  all(): readonly { readonly breaker: Breaker; readonly of: readonly CalledBy[] }[] {
    const declared = this.declared();
    for (const upstream of declared.keys()) this.of(upstream);
    return [...this.breakers.values()]
      .filter(({ upstream, state }) => declared.has(upstream) || state !== 'closed')
      .map((breaker) => ({ breaker, of: declared.get(breaker.upstream) ?? [] }))
      .sort((one, other) => (one.breaker.upstream < other.breaker.upstream ? -1 : 1));
  }

  /** Closes the breaker of an upstream, on all nodes within about a second. @returns false when there is none */
  async reset(upstream: string): Promise<boolean> {
    const breaker = this.all().find((known) => known.breaker.upstream === upstream)?.breaker;
    if (!breaker) return false;
    breaker.close();
    await this.notes.keep(upstream, breaker.standing);
    return true;
  }

  private of(upstream: string): Breaker {
    let breaker = this.breakers.get(upstream);
    if (!breaker) {
      breaker = new Breaker(upstream, this.clock, () => this.journal.now(), this.changed);
      this.breakers.set(upstream, breaker);
    }
    return breaker;
  }

  private readonly changed = (breaker: Breaker, change: BreakerChange): void => {
    tell(breaker, change);
    if (change === 'probes') return;
    this.changes += 1;
    this.unkept.add(breaker);
    this.keeping ??= this.keep().finally(() => (this.keeping = undefined));
  };

  /** Writes changed states. A failed write is tried again with the next beat. */
  private async keep(): Promise<void> {
    for (const breaker of this.unkept) {
      const { standing } = breaker;
      try {
        await this.notes.keep(breaker.upstream, standing);
      } catch (error) {
        logger.warn(`The state of the breaker of ${breaker.upstream} could not be kept: ${textOf(error)}`);
        return;
      }
      this.changes += 1;
      if (breaker.standing === standing) this.unkept.delete(breaker);
    }
  }

  /** Takes over the states in the notes: once, or repeatedly if nodes share the journal. */
  private async beat(): Promise<void> {
    try {
      await (this.keeping ??= this.keep().finally(() => (this.keeping = undefined)));
      const { changes } = this;
      const kept = await this.notes.all();
      // Changes that were made here meanwhile are newer than the notes.
      if (changes === this.changes && this.unkept.size === 0) this.adopt(kept);
    } catch (error) {
      if (!this.ended) logger.warn(`Which breakers are open could not be read: ${textOf(error)}`);
    }
    if (this.ended || !this.journal.sharing) return;
    this.timer = this.clock.setTimeout(() => void this.beat(), BEAT_MS);
  }

  private adopt(kept: Awaited<ReturnType<BreakerNotes['all']>>): void {
    for (const [upstream, opening] of kept) {
      const breaker = this.of(upstream);
      const { standing } = breaker;
      if (standing?.until === opening.until && standing.since === opening.since) continue;
      breaker.adopt(opening);
      if (!standing) tell(breaker, 'opened', ', as is known of before or of another node');
    }
    for (const breaker of this.breakers.values()) {
      if (!breaker.standing || kept.has(breaker.upstream)) continue;
      breaker.adopt(undefined);
      tell(breaker, 'closed', ', as another node has found');
    }
  }

  private declared(): Map<string, CalledBy[]> {
    const declared = new Map<string, CalledBy[]>();
    for (const { name: task, subTasks } of this.tasks.all())
      for (const { name: subTask, breaker: terms } of subTasks) {
        if (!terms) continue;
        const upstream = upstreamOf(terms, task, subTask);
        declared.set(upstream, [...(declared.get(upstream) ?? []), { task, subTask, terms }]);
      }
    return declared;
  }
}

/** A sub-task that uses the breaker of an upstream. */
export interface CalledBy {
  readonly task: string;
  readonly subTask: string;
  readonly terms: BreakerTerms;
}

function tell({ upstream, standing, waitMs }: Breaker, change: BreakerChange, note = ''): void {
  const about = `The breaker of ${upstream}`;
  if (change === 'opened')
    logger.warn(`${about} is open for ${ms(Math.ceil(waitMs))}${note}: ${standing?.reason ?? ''}`);
  else if (change === 'probes') logger.log(`${about} is half-open: an attempt probes it`);
  else logger.log(`${about} is closed${note}`);
}
