import type { RunEvent } from '../events/catalog.js';
import type { Outcome, Run, SubTaskRun } from './run.js';

/** The run that a `run.started` event opens. */
export function openRun(event: RunEvent<'run.started'>): Run {
  const { input, replyPolicy, losers, subTasks } = event.data;
  return {
    id: event.runId,
    task: event.task,
    input,
    replyPolicy,
    losers,
    createdAt: event.time,
    subTasks: subTasks.map((name) => ({
      name,
      status: 'pending',
      attempts: 0,
      failures: 0,
      retryAt: null,
      startedAt: null,
      finishedAt: null,
      durationMs: null,
      result: undefined,
      error: undefined,
    })),
    status: 'running',
    reply: null,
    repliedAt: null,
    finishedAt: null,
  };
}

/** The run that its events add up to, of which there is at least the first. */
export function runOf([first, ...rest]: readonly RunEvent[]): Run {
  if (first?.type !== 'run.started') throw new Error('A run begins with run.started');
  const run = openRun(first);
  for (const event of rest) advance(run, event);
  return run;
}

/** Brings `run` up to date with the next of its events. */
export function advance(run: Run, event: RunEvent): void {
  switch (event.type) {
    case 'run.started':
      return;
    case 'run.replied':
      run.reply = event.data.reply;
      run.repliedAt = event.time;
      return;
    case 'run.finished':
      run.status = event.data.status;
      run.finishedAt = event.time;
      return;
    default: {
      const subTask = run.subTasks.find(({ name }) => name === event.subTask);
      if (subTask) advanceSubTask(subTask, event);
    }
  }
}

type SubTaskEvent = Exclude<RunEvent, RunEvent<'run.started' | 'run.replied' | 'run.finished'>>;

function advanceSubTask(subTask: SubTaskRun, event: SubTaskEvent): void {
  switch (event.type) {
    case 'sub-task.started':
      subTask.status = 'running';
      subTask.attempts = event.attempt;
      subTask.retryAt = null;
      subTask.startedAt ??= event.time;
      return;
    case 'sub-task.retrying':
      subTask.status = 'retrying';
      subTask.failures += 1;
      subTask.retryAt = event.data.dueAt;
      subTask.error = event.data.error;
      return;
    case 'sub-task.succeeded':
      subTask.status = 'succeeded';
      subTask.result = event.data.result;
      subTask.error = undefined;
      break;
    case 'sub-task.failed':
      subTask.status = 'failed';
      subTask.failures += 1;
      subTask.error = event.data.error;
      break;
    case 'sub-task.cancelled':
      subTask.status = 'cancelled';
      break;
    case 'sub-task.skipped':
      subTask.status = 'skipped';
      break;
    default:
      event satisfies never;
  }
  subTask.retryAt = null;
  subTask.finishedAt = event.time;
  subTask.durationMs = 'durationMs' in event.data ? event.data.durationMs : null;
}

/** The outcome that an event records, if it is a sub-task's last. */
export function outcomeOf(event: RunEvent): Outcome | undefined {
  switch (event.type) {
    case 'sub-task.succeeded':
      return { subTask: event.subTask, status: 'succeeded', result: event.data.result };
    case 'sub-task.failed':
      return { subTask: event.subTask, status: 'failed', error: event.data.error };
    case 'sub-task.cancelled':
      return { subTask: event.subTask, status: 'cancelled', reason: event.data.reason };
    case 'sub-task.skipped':
      return { subTask: event.subTask, status: 'skipped', reason: event.data.reason };
    default:
      return undefined;
  }
}
