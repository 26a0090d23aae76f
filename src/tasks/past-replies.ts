import { Injectable } from '@nestjs/common';
import type { Reuse } from '../core/coalescing.js';
import { DomainError } from '../core/domain-error.js';
import { millisecondsSince } from '../core/duration.js';
import { Journal } from '../run/journal.js';
import { answerOf } from './run-replies.js';
import { RunWatch } from './run-watch.js';
import type { PastReply } from './started-run.js';

/** Most keys that a process keeps in memory. Past this number it forgets the oldest key, and asks the journal again. */
const MOST_KNOWN = 10_000;
const KIND = 'reuse';
/** Least time between two refreshes, as a part of `reuse.for`. Without it, a failed upstream would cause many runs that fail fast. */
const REFRESH_PART = 1 / 10;

interface GoodRun {
  readonly runId: string;
  /** In milliseconds since 1970. */
  readonly repliedAt: number;
  /** When a run to replace this run was last started, on the same clock. */
  refreshedAt: number;
}

/** Knows the last good run of each key of equal requests. The journal keeps it, for other nodes and the next start. */
@Injectable()
export class PastReplies {
  private readonly known = new Map<string, GoodRun>();
  private readonly underWay = new Map<string, Promise<PastReply | undefined>>();

  constructor(
    private readonly journal: Journal,
    private readonly watch: RunWatch,
  ) {}

  /** Keeps a run as the one that answers equal requests from now on. */
  keep(key: string, runId: string, { forMs, staleIfErrorMs }: Reuse): void {
    const now = this.journal.now();
    this.remember(key, runId, now);
    const note = { kind: KIND, name: key, text: runId, until: now + Math.max(forMs, staleIfErrorMs) };
    // If this fails, other nodes and the next start only run the task once more.
    this.journal.notes.put(note).catch(() => undefined);
  }

  /**
   * The last good reply, of any age; undefined where there is none, or its run is gone. Calls at the same time share one read.
   *
   * @throws {DomainError} `journal-unavailable`
   */
  find(key: string, reuse: Reuse): Promise<PastReply | undefined> {
    let found = this.underWay.get(key);
    if (!found) {
      found = this.read(key, reuse).finally(() => this.underWay.delete(key));
      this.underWay.set(key, found);
    }
    return found;
  }

  /** The reply of a run; undefined where the run has none, failed, or is gone. @throws {DomainError} `journal-unavailable` */
  async replyOf(runId: string): Promise<PastReply | undefined> {
    const { task, decision, repliedAt } = (await this.runOf(runId)) ?? {};
    if (task === undefined || !decision || 'error' in decision.reply) return undefined;
    const ageMs = millisecondsSince(repliedAt ?? null, this.journal.now());
    return { ...answerOf(runId, task, decision), reused: true, ageMs };
  }

  /** Whether it is time to refresh the last good run. A caller that gets true must start the new run. */
  mayRefresh(key: string, { forMs }: Reuse): boolean {
    const known = this.known.get(key);
    const now = this.journal.now();
    if (!known || now - known.refreshedAt < forMs * REFRESH_PART) return false;
    known.refreshedAt = now;
    return true;
  }

  private async read(key: string, { forMs }: Reuse): Promise<PastReply | undefined> {
    const { notes } = this.journal;
    const known = this.known.get(key);
    // In the second half of the reply's time, another node may have refreshed it, so the journal is asked.
    const isFresh = known && this.journal.now() - known.repliedAt < forMs / 2;
    const runId = isFresh ? known.runId : (await notes.find(KIND, key))?.text;
    const reply = runId === undefined ? undefined : await this.replyOf(runId);
    if (reply) this.remember(key, reply.runId, this.journal.now() - reply.ageMs);
    else {
      this.known.delete(key);
      if (runId !== undefined) await notes.remove(KIND, key, runId);
    }
    return reply;
  }

  private async runOf(runId: string) {
    try {
      return await this.watch.get(runId);
    } catch (error) {
      if (error instanceof DomainError && error.code === 'run-unknown') return undefined;
      throw error;
    }
  }

  private remember(key: string, runId: string, repliedAt: number): void {
    if (this.known.get(key)?.runId === runId) return;
    this.known.delete(key);
    this.known.set(key, { runId, repliedAt, refreshedAt: -Infinity });
    if (this.known.size > MOST_KNOWN)
      for (const first of this.known.keys()) return void this.known.delete(first);
  }
}
