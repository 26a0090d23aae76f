/** The columns of `open_runs`, their number, and their number before `addRepliesAndOrigins`. */
export const START = 'number, id, task, created_at, client, request_id, trace_id';
export const START_COLUMNS = 7;
export const START_LEAST = 5;

/** The columns that `runs` has in addition, for the end of a run. */
export const END = 'status, finished_at, commits, replied_at, answered_by';
export const END_COLUMNS = 5;
export const END_LEAST = 3;

/** The number of values for a run that goes on again: its `number` and `id`, and the `id` and time of the event that reopens it. */
export const REOPENED_VALUES = 4;
