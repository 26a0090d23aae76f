import { Injectable } from '@nestjs/common';
import type { z } from 'zod';
import { DomainError } from '../core/domain-error.js';
import type { TaskDefinition } from '../core/task.js';
import { Journal } from '../run/journal.js';
import { recordedRuns } from './recorded-runs.js';
import { Turns } from './turns.js';
import { WhatIf, type Rule } from './what-if.js';
import type { whatIfSchema } from './what-if.schemas.js';

/** How long an answer is given again, in milliseconds. */
const KEPT_MS = 10_000;
/** How many answers are kept. */
const MOST_KEPT = 16;
/** How many questions may wait for their turn. */
export const MOST_WAITING = 4;

type Answer = z.input<typeof whatIfSchema>;

interface Asked extends Rule {
  /** Most runs to replay, of the newest. */
  readonly runs: number;
}

interface Kept {
  readonly task: TaskDefinition;
  readonly at: number;
  readonly answer: Promise<Answer>;
}

/**
 * Answers how other start rules would have performed. Answers one question at a time in this process, and leaves turns of the event loop
 * to others.
 */
@Injectable()
export class WhatIfs {
  private readonly kept = new Map<string, Kept>();
  private last: Promise<unknown> = Promise.resolve();
  private waiting = 0;

  constructor(private readonly journal: Journal) {}

  /** @throws {DomainError} `overloaded`, `journal-unavailable` */
  answer(task: TaskDefinition, asked: Asked): Promise<Answer> {
    const { start, hedgeBudget, runs } = asked;
    const key = JSON.stringify([task.name, start, String(hedgeBudget), runs]);
    const now = performance.now();
    const before = this.kept.get(key);
    if (before?.task === task && now - before.at < KEPT_MS) return before.answer;
    if (this.waiting > MOST_WAITING)
      throw new DomainError(
        'overloaded',
        'Other questions of this kind are answered first; one is at a time',
      );
    const answer = this.inTurn(() => this.work(task, asked));
    this.keep(key, { task, at: now, answer });
    return answer;
  }

  private keep(key: string, kept: Kept): void {
    this.kept.delete(key);
    this.kept.set(key, kept);
    for (const oldest of this.kept.keys()) {
      if (this.kept.size <= MOST_KEPT) break;
      this.kept.delete(oldest);
    }
    // A failed answer is not reused.
    kept.answer.catch(() => {
      if (this.kept.get(key) === kept) this.kept.delete(key);
    });
  }

  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    this.waiting += 1;
    const done = this.last.then(work, work).finally(() => {
      this.waiting -= 1;
    });
    this.last = done.catch(() => undefined);
    return done;
  }

  private async work(task: TaskDefinition, { runs: most, ...rule }: Asked): Promise<Answer> {
    const turns = new Turns();
    const { runs, leftOut } = await recordedRuns(this.journal, task, most, turns);
    const whatIf = new WhatIf(task, runs, turns);
    const [first, last] = [runs[0], runs.at(-1)];
    return {
      task: task.name,
      runs: runs.length,
      leftOut,
      window: first && last ? { from: isoTime(first.startedAt), to: isoTime(last.startedAt) } : null,
      actual: whatIf.actual,
      ...(await whatIf.under(rule)),
      curve: await whatIf.curve(),
    };
  }
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}
