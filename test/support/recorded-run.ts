import type { RecordedRun, RecordedSubTask } from '../../src/what-if/recorded-run.js';

/** What is on record of a sub-task that began with its run. Default: it was cut off at once. */
export function recordedSubTask(name: string, more: Partial<RecordedSubTask> = {}): RecordedSubTask {
  const nothing = { end: undefined, cutMs: 0, barred: undefined };
  return { name, began: true, lagMs: 0, stumbles: [], ...nothing, ...more };
}

export function recordOf(subTasks: readonly RecordedSubTask[], more: Partial<RecordedRun> = {}): RecordedRun {
  const reply = { waitMs: 0, failed: false, overheadMs: 0, agreedOn: undefined };
  return { id: 'r1', startedAt: 0, ...reply, extraStarts: 0, deadlineMs: undefined, subTasks, ...more };
}
