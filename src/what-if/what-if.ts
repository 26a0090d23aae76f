import type { z } from 'zod';
import type { StartRule } from '../core/start-rule.js';
import type { TaskDefinition } from '../core/task.js';
import { HedgeBudget } from '../run/hedge-budget.js';
import { Ends, type EndOf } from './ends.js';
import type { RecordedRun } from './recorded-run.js';
import { replay, type PlacedRule, type Replayed } from './replayed-run.js';
import { allBehindFirst, CURVE, placed, ruleOf, withoutTimes } from './rules.js';
import type { Turns } from './turns.js';
import { Waits } from './waits.js';
import type { whatIfSchema } from './what-if.schemas.js';

type Answer = z.input<typeof whatIfSchema>;
type Measures = Answer['actual'];
/** The rule of a replay. An undefined `start` means the rules that the task declares. */
export interface Rule {
  readonly start: string | undefined;
  readonly hedgeBudget: number;
}

/** Replays the recorded runs of a task under other rules. */
export class WhatIf {
  private readonly ends: Ends;
  private readonly drawn: EndOf;
  /** Results of replays without a budget, by their rules. */
  private readonly replays = new Map<string, Promise<Replays>>();

  /** @param runs the oldest first */
  constructor(
    private readonly task: Pick<TaskDefinition, 'reply' | 'subTasks' | 'starts'>,
    private readonly runs: readonly RecordedRun[],
    private readonly turns: Turns,
  ) {
    this.ends = new Ends(task, runs);
    this.drawn = this.ends.guessed('drawn');
  }

  /** The measures of the runs as recorded. */
  get actual(): Measures {
    return new Replays(this.runs).measures;
  }

  /** The measures that a rule would have had, and their confidence. */
  async under({ start, hedgeBudget }: Rule): Promise<Pick<Answer, 'replayed' | 'confidence' | 'rule'>> {
    const rules = this.rulesOf(start);
    const placed = await this.placed(rules);
    const replays = await this.replayAll(placed, hedgeBudget, this.drawn);
    const { known, waits } = replays;
    const soonest = await this.replayAll(placed, hedgeBudget, this.ends.guessed('soonest'));
    const latest = await this.replayAll(placed, hedgeBudget, this.ends.guessed('latest'));
    return {
      rule: {
        start: start ?? 'declared',
        afterMs: afterMs(placed),
        hedgeBudget: hedgeBudget === Infinity ? null : hedgeBudget,
      },
      replayed: { ...replays.measures, heldBack: replays.heldBack },
      confidence: {
        known,
        drawn: this.runs.length - known,
        soonest: soonest.bound,
        latest: latest.bound,
        chance: waits.chance,
      },
    };
  }

  /** The measures for a dozen rules, without a hedge budget. */
  async curve(): Promise<Answer['curve']> {
    const points = [];
    for (const start of CURVE) {
      const placed = await this.placed(this.rulesOf(start));
      const replays = await this.unbudgeted(placed);
      points.push({ start, afterMs: afterMs(placed), ...replays.measures, known: replays.known });
    }
    return points;
  }

  private rulesOf(start: string | undefined): readonly StartRule[] {
    const rule = start === undefined ? undefined : ruleOf(start);
    return rule === undefined ? this.task.starts : allBehindFirst(rule, this.task.subTasks.length);
  }

  /**
   * A hedge that starts at a quantile of the reply times can't shorten replies below that quantile. So the quantile is taken from replies
   * without hedges.
   */
  private async placed(rules: readonly StartRule[]): Promise<PlacedRule[]> {
    const { waits } = await this.unbudgeted(withoutTimes(rules));
    return placed(rules, (quantile) => waits.at(quantile));
  }

  private unbudgeted(rules: readonly PlacedRule[]): Promise<Replays> {
    const key = JSON.stringify(rules);
    const before = this.replays.get(key);
    if (before) return before;
    const replays = this.replayAll(rules, Infinity, this.drawn);
    this.replays.set(key, replays);
    return replays;
  }

  private async replayAll(rules: readonly PlacedRule[], hedgeBudget: number, endOf: EndOf): Promise<Replays> {
    const { reply } = this.task;
    const budget = new HedgeBudget(hedgeBudget);
    const replayed: Replayed[] = [];
    for (const run of this.runs) {
      replayed.push(replay(run, { reply, rules, budget, endOf }));
      await this.turns.take();
    }
    return new Replays(replayed);
  }
}

type Outcome = Pick<Replayed, 'waitMs' | 'failed' | 'extraStarts'> & Partial<Replayed>;

/** The results of replayed runs. */
class Replays {
  readonly waits: Waits;

  constructor(private readonly runs: readonly Outcome[]) {
    this.waits = new Waits(runs.filter(({ failed }) => !failed).map(({ waitMs }) => waitMs));
  }

  get known(): number {
    return this.runs.filter(({ known }) => known).length;
  }

  get heldBack(): number {
    return this.runs.reduce((sum, { heldBack = 0 }) => sum + heldBack, 0);
  }

  get bound() {
    return { replyMs: this.waits.times, errors: this.errors };
  }

  get measures(): Measures {
    const { runs, bound } = this;
    const extraStarts = runs.reduce((sum, run) => sum + run.extraStarts, 0);
    const extraStartShare = runs.length === 0 ? null : Math.round((extraStarts / runs.length) * 1e4) / 1e4;
    return { ...bound, extraStarts, extraStartShare };
  }

  private get errors(): number {
    return this.runs.filter(({ failed }) => failed).length;
  }
}

/** When the first hedge is due, in milliseconds after the start of a run; null when no time starts one. */
function afterMs(rules: readonly PlacedRule[]): number | null {
  const timed = rules.find(({ rule }) => rule === 'after-delay');
  return timed ? Math.round(timed.delayMs * 10) / 10 : null;
}
