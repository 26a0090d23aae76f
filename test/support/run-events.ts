import type { NewEvent } from '../../src/core/events.js';
import type { Journal } from '../../src/run/journal.js';
import type { JsonValue } from '../../src/core/json.js';
import type { RunRecord } from '../../src/core/run-record.js';

/** The events of runs of a task `task` with sub-tasks `a` and `b`, for tests that speak to a journal themselves. */
export const events = {
  started: (runId: string, input: JsonValue = null): NewEvent => ({
    type: 'run.started',
    runId,
    task: 'task',
    data: { input, replyPolicy: { policy: 'first-success' }, losers: 'continue', subTasks: ['a', 'b'] },
  }),
  attempt: (runId: string, subTask = 'a', attempt = 1): NewEvent => ({
    type: 'sub-task.started',
    runId,
    task: 'task',
    subTask,
    attempt,
    data: {},
  }),
  succeeded: (runId: string, result: JsonValue, subTask = 'a', attempt = 1): NewEvent => ({
    type: 'sub-task.succeeded',
    runId,
    task: 'task',
    subTask,
    attempt,
    data: { result, durationMs: 9.5 },
  }),
  retrying: (runId: string, message: string): NewEvent => ({
    type: 'sub-task.retrying',
    runId,
    task: 'task',
    subTask: 'a',
    attempt: 1,
    data: { error: { code: 'threw', message }, delayMs: 5, dueAt: '2026-01-01T00:00:00.000Z' },
  }),
  replied: (runId: string, result: JsonValue): NewEvent => ({
    type: 'run.replied',
    runId,
    task: 'task',
    data: { reply: { answeredBy: 'a', result }, status: 'succeeded', background: [] },
  }),
  finished: (runId: string): NewEvent => ({
    type: 'run.finished',
    runId,
    task: 'task',
    data: { status: 'succeeded' },
  }),
};

/** Each run that a journal says was left unfinished. */
export async function unfinishedOf(journal: Journal): Promise<Readonly<RunRecord>[]> {
  const runs: Readonly<RunRecord>[] = [];
  for await (const run of journal.unfinished()) runs.push(run);
  return runs;
}
