import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import type { Clock } from '../core/clock.js';
import type { Coalescing } from '../core/coalescing.js';
import { DomainError } from '../core/domain-error.js';
import { Journal } from '../run/journal.js';
import type { RunTerms } from '../run/run-terms.js';
import { Runs } from '../run/runs.js';
import { PastReplies } from './past-replies.js';
import { RunReplies } from './run-replies.js';
import type { Answer } from './started-run.js';
import { RunWatch } from './run-watch.js';
import type { StartGate } from './start-gate.js';
import type { StartedRun } from './started-run.js';

const KIND = 'coalesce';
/** For how long a key is kept in the journal; a node whose run has no reply yet extends it. Past it, the key of a node that died is free. */
const LEASE_MS = 30_000;
/** How long another node may take from its claim until its run is recorded, in milliseconds. */
const MOST_UNRECORDED_MS = 2_000;
/** How often a node looks whether it is, in milliseconds. */
const POLL_MS = 50;
/** How many keys a process knows the runs of; past it, it asks the journal for those that it learnt first. */
const MOST_HELD = 10_000;

/** The run that a key of equal requests belongs to. */
interface HeldRun {
  readonly runId: string;
  /** Milliseconds since 1970, by the clock of the journal. */
  readonly startedAt: number;
}

interface Held {
  /** Settles when it is known which run has the key. */
  readonly run: Promise<HeldRun>;
  /** What extends the key, or what lets go of it. */
  timer?: NodeJS.Timeout | undefined;
}

/** Which run each key of equal requests belongs to: in this process, and in the journal for other nodes and the next start. */
@Injectable()
export class HeldKeys implements OnModuleDestroy {
  private readonly held = new Map<string, Held>();

  constructor(
    private readonly runs: Runs,
    private readonly journal: Journal,
    private readonly watch: RunWatch,
    private readonly replies: RunReplies,
    private readonly past: PastReplies,
  ) {}

  private get clock(): Clock {
    return this.runs.execution.clock;
  }

  /** Whether a run has a key, as far as this process knows. */
  has(key: string): boolean {
    return this.held.has(key);
  }

  /**
   * The run that has the key, or else the one of the terms, which is started.
   *
   * @param gate what a run passes before it starts
   * @throws {DomainError} `journal-unavailable`, and what {@link Runs.start} throws
   */
  async attach(key: string, terms: RunTerms, coalescing: Coalescing, gate?: StartGate): Promise<StartedRun> {
    const { task } = terms;
    for (;;) {
      const held = this.held.get(key) ?? this.hold(key, terms, coalescing, gate);
      const { runId } = await held.run;
      if (runId === terms.id) return { runId, task, replayed: false };
      if (await this.isKept(runId)) return { runId, task, replayed: false, coalesced: true };
      this.letGo(key, held);
      await this.journal.notes.remove(KIND, key, runId);
    }
  }

  onModuleDestroy(): void {
    for (const { timer } of this.held.values()) this.clock.clearTimeout(timer);
    this.held.clear();
  }

  private hold(key: string, terms: RunTerms, coalescing: Coalescing, gate?: StartGate): Held {
    const held: Held = { run: this.claimOrFind(key, terms, coalescing, gate) };
    this.held.set(key, held);
    if (this.held.size > MOST_HELD) this.forgetFirst();
    held.run.then(
      (run) => this.untilReplied(key, held, run, terms.task, coalescing),
      () => {
        this.letGo(key, held);
      },
    );
    return held;
  }

  private async claimOrFind(
    key: string,
    terms: RunTerms,
    coalescing: Coalescing,
    gate?: StartGate,
  ): Promise<HeldRun> {
    const claim = this.claim(key, terms.id, coalescing);
    const run = await (gate ? gate.pass(claim) : claim);
    if (run.runId !== terms.id) return run;
    try {
      this.runs.start(terms);
    } catch (refusal) {
      this.free(key, terms.id);
      throw refusal;
    }
    return run;
  }

  /** Of several nodes that claim a key at once, one gets it. */
  private async claim(key: string, runId: string, { forMs }: Coalescing): Promise<HeldRun> {
    const { notes } = this.journal;
    const until = this.clock.elapsed() + MOST_UNRECORDED_MS;
    for (;;) {
      const now = this.journal.now();
      const note = { kind: KIND, name: key, text: runId, until: now + Math.max(forMs, LEASE_MS) };
      const { text: holder } = await notes.claim(note);
      if (holder === runId) return { runId, startedAt: now };
      const startedAt = await this.startOf(holder, forMs);
      if (typeof startedAt === 'number') return { runId: holder, startedAt };
      if (startedAt === 'unrecorded' && this.clock.elapsed() < until) await this.pause();
      else await notes.remove(KIND, key, holder);
    }
  }

  /** Whether there still is a run: it may have been erased since its reply, or deleted for its age. */
  private async isKept(runId: string): Promise<boolean> {
    try {
      await this.watch.standing(runId);
      return true;
    } catch (error) {
      if (isUnknown(error)) return false;
      throw error;
    }
  }

  /** When a run started that still has its key. */
  private async startOf(runId: string, forMs: number): Promise<number | 'unrecorded' | 'over'> {
    try {
      const { createdAt, decision, status, finishedAt } = await this.watch.get(runId);
      const startedAt = Date.parse(createdAt);
      if (!decision) return finishedAt === null && status !== 'set-aside' ? startedAt : 'over';
      const isShared = !('error' in decision.reply) && this.journal.now() < startedAt + forMs;
      return isShared ? startedAt : 'over';
    } catch (error) {
      if (isUnknown(error)) return 'unrecorded';
      throw error;
    }
  }

  private pause(): Promise<unknown> {
    return new Promise((resolve) => this.clock.setTimeout(resolve, POLL_MS));
  }

  private untilReplied(key: string, held: Held, run: HeldRun, task: string, coalescing: Coalescing): void {
    if (this.held.get(key) !== held) return;
    this.extendLater(key, held, run, coalescing);
    this.replies.of({ runId: run.runId, task }).then(
      (answer) => {
        if (answer) this.replied(key, held, run, coalescing, answer);
        else this.release(key, held, run);
      },
      (error: unknown) => {
        const { code } = error as Partial<DomainError>;
        // The run may go on: who asks next looks.
        if (code === 'stopping' || code === 'journal-unavailable') this.letGo(key, held);
        else this.release(key, held, run);
      },
    );
  }

  private extendLater(key: string, held: Held, run: HeldRun, coalescing: Coalescing): void {
    held.timer = this.clock.setTimeout(() => {
      this.keep(key, run, Math.max(run.startedAt + coalescing.forMs, this.journal.now() + LEASE_MS));
      this.extendLater(key, held, run, coalescing);
    }, LEASE_MS / 2);
  }

  private replied(
    key: string,
    held: Held,
    run: HeldRun,
    { forMs, reuse }: Coalescing,
    { missing }: Answer,
  ): void {
    // One that a deadline has cut short would answer others although there is a better one to be had.
    if (reuse && !missing) this.past.keep(key, run.runId, reuse);
    const until = run.startedAt + forMs;
    const leftMs = until - this.journal.now();
    if (leftMs <= 0 || this.held.get(key) !== held) {
      this.release(key, held, run);
      return;
    }
    this.clock.clearTimeout(held.timer);
    held.timer = this.clock.setTimeout(() => {
      this.letGo(key, held);
    }, leftMs);
    if (forMs < LEASE_MS) this.keep(key, run, until);
  }

  /** Lets nobody have the run from now on. */
  private release(key: string, held: Held, { runId }: HeldRun): void {
    this.letGo(key, held);
    this.free(key, runId);
  }

  private keep(key: string, { runId }: HeldRun, until: number): void {
    // Without it, a restart and other nodes start a run of their own.
    this.journal.notes.put({ kind: KIND, name: key, text: runId, until }).catch(() => undefined);
  }

  private free(key: string, runId: string): void {
    // It ends by itself.
    this.journal.notes.remove(KIND, key, runId).catch(() => undefined);
  }

  private letGo(key: string, held: Held): void {
    this.clock.clearTimeout(held.timer);
    if (this.held.get(key) === held) this.held.delete(key);
  }

  private forgetFirst(): void {
    for (const [key, held] of this.held) {
      this.letGo(key, held);
      return;
    }
  }
}

function isUnknown(error: unknown): boolean {
  return error instanceof DomainError && error.code === 'run-unknown';
}
