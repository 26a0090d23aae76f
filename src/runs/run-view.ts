import type { Run } from '../tasks/run.js';

/** A run as callers are shown it. */
export function runView({ outcomes: _, firstEventId: __, reopened: ___, decision, ...run }: Readonly<Run>) {
  const reply = decision?.reply ?? null;
  const answeredBy = reply && 'answeredBy' in reply ? [reply.answeredBy].flat() : [];
  return {
    ...run,
    reply,
    subTasks: run.subTasks.map((subTask) => ({
      ...subTask,
      ...(answeredBy.includes(subTask.name) && { answered: true }),
    })),
  };
}
