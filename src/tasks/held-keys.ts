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
/** How long the journal keeps a key, in milliseconds. A node extends this as long as its run has no reply. A dead node's key gets free. */
const LEASE_MS = 30_000;
/** Longest wait for another node that has claimed a key to record its run, in milliseconds. */
const MOST_UNRECORDED_MS = 2_000;
/** How often a node checks whether that run is recorded, in milliseconds. */
const POLL_MS = 50;
/** Most keys that a process keeps in memory. Past this number it forgets the oldest keys, and asks the journal for them. */
const MOST_HELD = 10_000;

/** The run that a key of equal requests belongs to. */
interface HeldRun {
  readonly runId: string;
  /** When the run started, in milliseconds since 1970, on the journal's clock. */
  readonly startedAt: number;
}

interface Held {
  /** The run that has the key. */
  readonly run: Promise<HeldRun>;
  /** Extends the key until the run's reply; later forgets the key when its time is over. */
  timer?: NodeJS.Timeout | undefined;
}

/** Knows which run has the key of equal requests: in memory, and in the journal for other nodes and the next start. */
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
   * Finds the run that has the key. Where there is none, starts the run of the terms.
   *
   * @param gate the gate that a run passes before it starts
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

  /** Claims a key for a run, or finds the run that has it. If several nodes claim a key at once, one of them gets it. */
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

  /** Whether a run still exists. It may have been erased since its reply, or deleted for its age. */
  private async isKept(runId: string): Promise<boolean> {
    try {
      await this.watch.standing(runId);
      return true;
    } catch (error) {
      if (isUnknown(error)) return false;
      throw error;
    }
  }

  /** When the run started, in milliseconds since 1970. `over`: the run has lost its key. `unrecorded`: the journal has no such run. */
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
        // The run may go on. The next request asks the journal.
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
    // A reply that a deadline has cut short is not reused: a new run may bring a better reply.
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

  /** Ends the sharing of the run. */
  private release(key: string, held: Held, { runId }: HeldRun): void {
    this.letGo(key, held);
    this.free(key, runId);
  }

  private keep(key: string, { runId }: HeldRun, until: number): void {
    // If this fails, other nodes and the next start only run the task once more.
    this.journal.notes.put({ kind: KIND, name: key, text: runId, until }).catch(() => undefined);
  }

  private free(key: string, runId: string): void {
    // If this fails, the note expires by itself.
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
