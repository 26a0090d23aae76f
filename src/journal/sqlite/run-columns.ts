/** What rows of `open_runs` are made of, how many columns that is, and how many it was before `addRepliesAndOrigins`. */
export const START = 'number, id, task, created_at, client, request_id, trace_id';
export const START_COLUMNS = 7;
export const START_LEAST = 5;

/** What the end of a run adds to that in `runs`. */
export const END = 'status, finished_at, commits, replied_at, answered_by';
export const END_COLUMNS = 5;
export const END_LEAST = 3;

/** How many values there are of a run that goes on again: its `number` and `id`, and the `id` and the time of its event. */
export const REOPENED_VALUES = 4;
