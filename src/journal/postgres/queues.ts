/** The schema of pg-boss's tables, beside the schema of the journal. */
export function queueSchema(schema: string): string {
  return `${schema}_queue`;
}

/** The queues: for any node, for nodes that take work (`placement: 'worker'`), and for sub-tasks that could not be delivered. */
export const QUEUES = { any: 'sub-tasks', worker: 'worker-sub-tasks', dead: 'dead-sub-tasks' } as const;

/** The queues from which nodes take sub-tasks. */
export const WORK_QUEUES = [QUEUES.any, QUEUES.worker] as const;
export type WorkQueue = (typeof WORK_QUEUES)[number];
