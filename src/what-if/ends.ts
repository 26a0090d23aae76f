import { createHash } from 'node:crypto';
import { subTaskEvent } from '../core/new-event.js';
import type { RunEvent } from '../core/events.js';
import type { TaskDefinition } from '../core/task.js';
import { ProductLimit, type Observation } from '../stats/product-limit.js';
import type { End, RecordedRun, RecordedSubTask } from './recorded-run.js';

/** What to take for how a sub-task would have ended that was cut off or never began. */
export type Guess = 'drawn' | 'soonest' | 'latest';

/** How the sub-tasks of a run end: as recorded, or else as guessed. */
export type EndOf = (run: RecordedRun, subTask: RecordedSubTask) => End;

/** What is known of one sub-task from all runs. */
class KnownEnds {
  private readonly observations: Observation[] = [];
  private readonly failures = new Map<number, RunEvent<'sub-task.failed'>>();
  private limit: ProductLimit | undefined;
  private soonestMs = Infinity;

  constructor(private readonly timeoutMs: number) {}

  add({ began, end, cutMs }: RecordedSubTask): void {
    // What failed before it began says nothing of how long it takes.
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

  /** How one ends that never answers. */
  private timeout({ id }: RecordedRun, name: string, cutMs: number): End {
    const ms = Math.max(this.timeoutMs, cutMs);
    const error = { code: 'timeout', message: `took longer than ${ms} ms` } as const;
    const failure = subTaskEvent({ id, task: '' }, 'sub-task.failed', name, 1, { error, durationMs: ms });
    return { ms, failure: failure as RunEvent<'sub-task.failed'> };
  }
}

/** Says how sub-tasks end: as recorded, and where the record breaks off, by what other runs have shown. */
export class Ends {
  private readonly known: ReadonlyMap<string, KnownEnds>;

  constructor({ subTasks }: Pick<TaskDefinition, 'subTasks'>, runs: readonly RecordedRun[]) {
    this.known = new Map(subTasks.map(({ name, timeoutMs }) => [name, new KnownEnds(timeoutMs)]));
    for (const run of runs) for (const subTask of run.subTasks) this.known.get(subTask.name)?.add(subTask);
  }

  /**
   * - `drawn`: each is drawn from the times of all that are known, above the time up to which it had not ended: the same for each rule, and each time
   * - `soonest`: it succeeds as soon as any has, or at once where it is past that
   * - `latest`: it never answers, and times out
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
