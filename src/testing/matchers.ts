import { isDeepStrictEqual } from 'node:util';
import type { RunView } from '../library/run-handle.js';
import { TestRun } from './test-run.js';

interface Verdict {
  readonly pass: boolean;
  readonly message: () => string;
}

/** Matchers of `expect(run)` in Jest and Vitest, after `expect.extend(frontrunnerMatchers)`. */
export interface FrontrunnerMatchers<R = unknown> {
  /** There is a reply with the result of this sub-task, or, under `all`, `quorum` and `deadline`, of these sub-tasks. */
  toBeAnsweredBy(subTask: string | readonly string[]): R;
  /** The run is `running`, `succeeded`, `partly-failed`, `failed` or `cancelled`. */
  toHaveStatus(status: RunView['status']): R;
  /** A sub-task is `pending`, `running`, `retrying`, `succeeded`, `failed`, `cancelled` or `skipped`. */
  toHaveSubTask(subTask: string, status: RunView['subTasks'][number]['status']): R;
  /** A sub-task has begun this number of attempts. */
  toHaveAttempts(subTask: string, attempts: number): R;
}

export const frontrunnerMatchers = {
  toBeAnsweredBy(run: unknown, expected: string | readonly string[]): Verdict {
    const { reply } = stateOf(run);
    const actual = reply && 'answeredBy' in reply ? reply.answeredBy : undefined;
    return verdict(
      run,
      isDeepStrictEqual(actual, expected),
      `be answered by ${[expected].flat().join(', ')}`,
    );
  },

  toHaveStatus(run: unknown, expected: RunView['status']): Verdict {
    return verdict(run, stateOf(run).status === expected, `be ${expected}`);
  },

  toHaveSubTask(run: unknown, name: string, expected: string): Verdict {
    return verdict(run, subTaskOf(run, name).status === expected, `have ${name} ${expected}`);
  },

  toHaveAttempts(run: unknown, name: string, expected: number): Verdict {
    return verdict(
      run,
      subTaskOf(run, name).attempts === expected,
      `have made ${expected} attempts of ${name}`,
    );
  },
};

function verdict(run: unknown, pass: boolean, what: string): Verdict {
  const message = (): string =>
    `expected the run ${pass ? 'not ' : ''}to ${what}, but ${(run as TestRun).describe()}`;
  return { pass, message };
}

function stateOf(run: unknown): RunView {
  if (run instanceof TestRun) return run.state;
  throw new TypeError('This matcher takes a run: expect(await fr.start(…))');
}

function subTaskOf(run: unknown, name: string): RunView['subTasks'][number] {
  const { subTasks } = stateOf(run);
  const subTask = subTasks.find((one) => one.name === name);
  if (subTask) return subTask;
  throw new TypeError(
    `The run has no sub-task ${name}; it has ${subTasks.map((one) => one.name).join(', ')}`,
  );
}
