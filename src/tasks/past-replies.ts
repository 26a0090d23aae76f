import { Injectable } from '@nestjs/common';
import type { Reuse } from '../core/coalescing.js';
import { DomainError } from '../core/domain-error.js';
import { millisecondsSince } from '../core/duration.js';
import { Journal } from '../run/journal.js';
import { answerOf } from './run-replies.js';
import { RunWatch } from './run-watch.js';
import type { PastReply } from './started-run.js';

/** How many keys a process knows the last good run of; past it, those that it learnt first are asked for anew. */
const MOST_KNOWN = 10_000;
const KIND = 'reuse';
/** What part of the time of a reply passes between two tries to refresh it, at least: the runs of an upstream that is down fail fast. */
const REFRESH_PART = 1 / 10;

interface GoodRun {
  readonly runId: string;
  /** Milliseconds since 1970. */
  readonly repliedAt: number;
  /** When the next one was started last, on the same clock. */
  refreshedAt: number;
}

/** The last good run of each key of equal requests. The journal has it, so a restart and other nodes know it. */
@Injectable()
export class PastReplies {
  private readonly known = new Map<string, GoodRun>();
  private readonly underWay = new Map<string, Promise<PastReply | undefined>>();

  constructor(
    private readonly journal: Journal,
    private readonly watch: RunWatch,
  ) {}

  /** Keeps which run answers equal requests from now on. */
  keep(key: string, runId: string, { forMs, staleIfErrorMs }: Reuse): void {
    const now = this.journal.now();
    this.remember(key, runId, now);
    const note = { kind: KIND, name: key, text: runId, until: now + Math.max(forMs, staleIfErrorMs) };
    // Without it, a restart and other nodes start a run of their own.
    this.journal.notes.put(note).catch(() => undefined);
  }

  /**
   * The last good reply, however old; undefined where there is none, or its run is gone. Of those who ask at once, one reads.
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

  /** What a run has replied, if it has; undefined where it failed or is gone. @throws {DomainError} `journal-unavailable` */
  async replyOf(runId: string): Promise<PastReply | undefined> {
    const { task, decision, repliedAt } = (await this.runOf(runId)) ?? {};
    if (task === undefined || !decision || 'error' in decision.reply) return undefined;
    const ageMs = millisecondsSince(repliedAt ?? null, this.journal.now());
    return { ...answerOf(runId, task, decision), reused: true, ageMs };
  }

  /** Whether it is time to start the run that comes after the last good one. Who is told so does it. */
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
    // In the second half of its time another node may have refreshed it.
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
