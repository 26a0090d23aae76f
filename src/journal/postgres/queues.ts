/** Where pg-boss has its tables, beside those of the journal. */
export function queueSchema(schema: string): string {
  return `${schema}_queue`;
}

/** For any node, for those that take work (`placement: 'worker'`), and for what could not be delivered to any. */
export const QUEUES = { any: 'sub-tasks', worker: 'worker-sub-tasks', dead: 'dead-sub-tasks' } as const;

/** The queues that nodes take from. */
export const WORK_QUEUES = [QUEUES.any, QUEUES.worker] as const;
export type WorkQueue = (typeof WORK_QUEUES)[number];
