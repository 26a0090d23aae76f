import type { Condition } from '../core/condition.js';
import { WHEN_FALSE, type Obstacle } from '../core/run.js';
import type { TaskDefinition } from '../core/task.js';
import { textOf } from '../core/thrown.js';

/** Longest time for a `when` function in code, in milliseconds. */
const MOST_MS = 1_000;

/**
 * Evaluates `when` for a run with this input.
 *
 * @param names the sub-tasks to evaluate. Default: all
 * @returns why sub-tasks don't begin, by the name of the sub-task; undefined where all of them begin
 */
export async function obstaclesFor(
  { conditions }: TaskDefinition,
  input: unknown,
  names?: readonly string[],
): Promise<Map<string, Obstacle> | undefined> {
  if (!conditions) return undefined;
  const asked = [...conditions].filter(([name]) => names?.includes(name) ?? true);
  const found = await Promise.all(
    asked.map(async ([name, condition]) => [name, await obstacleOf(condition, input)] as const),
  );
  const obstacles = found.flatMap(([name, obstacle]): [string, Obstacle][] =>
    obstacle === undefined ? [] : [[name, obstacle]],
  );
  return obstacles.length > 0 ? new Map(obstacles) : undefined;
}

async function obstacleOf(condition: Condition, input: unknown): Promise<Obstacle | undefined> {
  try {
    const holds = condition.holds(input);
    // An expression has no time limit here: waiting for the thread of expressions is no failure.
    const answer =
      typeof holds === 'object' && condition.text === undefined ? await inTime(holds) : await holds;
    return answer ? undefined : WHEN_FALSE;
  } catch (error) {
    return { code: 'when-failed', message: `when failed: ${textOf(error)}` };
  }
}

function inTime(holds: Promise<boolean>): Promise<boolean> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    late.reject(new Error(`it took longer than ${MOST_MS / 1_000} s`));
  }, MOST_MS);
  return Promise.race([holds, late.promise]).finally(() => {
    clearTimeout(timer);
  });
}
