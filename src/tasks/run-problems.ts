/** Problems with which a request for a run may be refused, or that its reply may be. */
export const RUN_PROBLEMS = [
  'malformed-json',
  'invalid-request',
  'task-unknown',
  'payload-too-large',
  'unsupported-media-type',
  'idempotency-key-reused',
  'run-failed',
  'run-cancelled',
  'run-disputed',
  'deadline-exceeded',
  'overloaded',
  'journal-unavailable',
  'worker-node',
  'stopping',
] as const;
