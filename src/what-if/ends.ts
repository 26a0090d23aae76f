import { createHash } from 'node:crypto';
import { subTaskEvent } from '../core/new-event.js';
import type { RunEvent } from '../core/events.js';
import type { TaskDefinition } from '../core/task.js';
import { ProductLimit, type Observation } from '../stats/product-limit.js';
import type { End, RecordedRun, RecordedSubTask } from './recorded-run.js';

/** How to guess the end of a sub-task that was cut off or never began. */
export type Guess = 'drawn' | 'soonest' | 'latest';

/** The end of a run's sub-task: recorded or guessed. */
export type EndOf = (run: RecordedRun, subTask: RecordedSubTask) => End;

/** The known ends of one sub-task in all runs. */
class KnownEnds {
  private readonly observations: Observation[] = [];
  private readonly failures = new Map<number, RunEvent<'sub-task.failed'>>();
  private limit: ProductLimit | undefined;
  private soonestMs = Infinity;

  constructor(private readonly timeoutMs: number) {}

  add({ began, end, cutMs }: RecordedSubTask): void {
    // A failure before the first attempt tells nothing about the duration.
    if (!began) return;
    if (!end) this.observations.push({ ms: cutMs, kind: 'cut' });
    else this.observations.push({ ms: end.ms, kind: end.failure ? 'failed' : 'answered' });
    if (end?.failure) this.failures.set(end.ms, end.failure);
    else if (end) this.soonestMs = Math.min(this.soonestMs, end.ms);
  }

  guess(how: Guess, run: RecordedRun, { name, cutMs }: RecordedSubTask): End {
    switch (how) {
      case 'drawn':
        return this.draw(run, name, cutMs);
      case 'soonest':
        return this.soonestMs === Infinity
          ? this.timeout(run, name, cutMs)
          : { ms: Math.max(this.soonestMs, cutMs), says: run.agreedOn };
      case 'latest':
        return this.timeout(run, name, cutMs);
      default:
        return how satisfies never;
    }
  }

  private draw(run: RecordedRun, name: string, cutMs: number): End {
    this.limit ??= new ProductLimit(this.observations);
    const drawn = this.limit.draw(uniformOf(`${run.id} ${name}`), cutMs === 0 ? undefined : cutMs);
    if (!drawn) return this.timeout(run, name, cutMs);
    const { ms, kind } = drawn;
    const failure = kind === 'failed' ? this.failures.get(ms) : undefined;
    return failure ? { ms, failure } : { ms, says: run.agreedOn };
  }

  /** The end of a sub-task that never answers. */
  private timeout({ id }: RecordedRun, name: string, cutMs: number): End {
    const ms = Math.max(this.timeoutMs, cutMs);
    const error = { code: 'timeout', message: `took longer than ${ms} ms` } as const;
    const failure = subTaskEvent({ id, task: '' }, 'sub-task.failed', name, 1, { error, durationMs: ms });
    return { ms, failure: failure as RunEvent<'sub-task.failed'> };
  }
}

/** Provides the ends of sub-tasks: as recorded, or else guessed from other runs. */
export class Ends {
  private readonly known: ReadonlyMap<string, KnownEnds>;

  constructor({ subTasks }: Pick<TaskDefinition, 'subTasks'>, runs: readonly RecordedRun[]) {
    this.known = new Map(subTasks.map(({ name, timeoutMs }) => [name, new KnownEnds(timeoutMs)]));
    for (const run of runs) for (const subTask of run.subTasks) this.known.get(subTask.name)?.add(subTask);
  }

  /**
   * - `drawn`: drawn at random from all known times that are longer than the time for which the sub-task is known to have run. The draw
   *   is the same for each rule, and each time
   * - `soonest`: succeeds at the earliest known time, or at once if that is past
   * - `latest`: never answers, and times out
   */
  guessed(how: Guess): EndOf {
    const guesses = new Map<RecordedSubTask, End>();
    return (run, subTask) => {
      const known = subTask.end ?? guesses.get(subTask);
      if (known) return known;
      const guess = this.known.get(subTask.name)?.guess(how, run, subTask) ?? { ms: Infinity };
      guesses.set(subTask, guess);
      return guess;
    };
  }
}

/** A number from 0 to below 1, always the same for a text. */
function uniformOf(text: string): number {
  return createHash('sha256').update(text).digest().readUInt32BE() / 2 ** 32;
}
