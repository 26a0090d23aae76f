import type { JsonValue } from '../core/json.js';
import type { TaskDefinition } from '../core/task.js';
import { textOf } from '../core/thrown.js';
import { parseInput } from '../tasks/accepted-run.js';
import { HttpSubTask } from '../upstreams/http-sub-task.js';

/**
 * The requests that a task would make for an input, as text without values from the environment. Nothing is sent.
 *
 * @throws {DomainError} `invalid-request` for an input that the task doesn’t accept
 */
export async function explainTask(task: TaskDefinition, input: JsonValue): Promise<string> {
  const parsed = await parseInput(task, input);
  const parts = task.subTasks.map(({ name, handler }, index) => {
    const start = task.starts[index] ?? 'at-once';
    const when = typeof start === 'string' ? start : `after ${start.after}`;
    const isShadow = task.shadows?.has(name) ? ', as a shadow' : '';
    const condition = task.conditions?.get(name)?.text;
    const onlyWhen = condition === undefined ? '' : `, when ${condition.trim()}`;
    return `# ${task.name}: ${name}, starts ${when}${isShadow}${onlyWhen}\n${requestText(handler, parsed)}\n`;
  });
  return parts.join('\n');
}

function requestText(handler: unknown, input: unknown): string {
  if (!(handler instanceof HttpSubTask))
    return 'Nothing is known of its request: it is a class, or takes a variable that is not set.';
  try {
    return handler.explain(input);
  } catch (error) {
    return `Makes no request: ${textOf(error)}`;
  }
}
