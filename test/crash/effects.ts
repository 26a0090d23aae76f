import { readFileSync } from 'node:fs';
import type { SubTaskContext } from '../../src/core/sub-task.js';
import type { SubTaskName } from './requests.ts';
import type { StreamName } from './stream-requests.ts';

/** What an attempt writes before it succeeds. It begins with a line break, because a kill may cut a line short. */
export function effectLine(
  subTask: SubTaskName | StreamName,
  { runId, attempt, idempotencyKey }: Pick<SubTaskContext, 'runId' | 'attempt' | 'idempotencyKey'>,
): string {
  return `\n${runId} ${subTask} ${String(attempt)} ${idempotencyKey} done\n`;
}

/** The side effects of all sub-tasks, as their file has them. */
export class Effects {
  readonly #attempts = new Set<string>();
  readonly #keys = new Map<string, Set<string>>();

  constructor(file: string) {
    const lines = readFileSync(file, 'utf8').matchAll(/^(\S+ \S+) (\d+) (\S+) done$/gm);
    for (const [, subTask = '', attempt = '', key = ''] of lines) {
      this.#attempts.add(`${subTask} ${attempt}`);
      this.#keys.set(subTask, (this.#keys.get(subTask) ?? new Set()).add(key));
    }
  }

  /** Whether an attempt has left its side effect. */
  has(runId: string, subTask: string, attempt: number): boolean {
    return this.#attempts.has(`${runId} ${subTask} ${String(attempt)}`);
  }

  /** Sub-tasks that got several keys, and keys that several sub-tasks got. */
  violations(): string[] {
    const violations: string[] = [];
    const owners = new Map<string, string>();
    for (const [subTask, keys] of this.#keys) {
      if (keys.size > 1) violations.push(`${subTask} got several keys: ${[...keys].join(', ')}`);
      for (const key of keys) {
        const owner = owners.get(key);
        if (owner !== undefined) violations.push(`${owner} and ${subTask} got the same key, ${key}`);
        owners.set(key, subTask);
      }
    }
    return violations;
  }
}
