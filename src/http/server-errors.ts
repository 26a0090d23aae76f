import type { ProblemType } from './problem-type.js';

/** The problem types whose cause is the service, a sub-task or an upstream (5xx), by their codes. */
export const serverErrors = {
  'internal-error': {
    status: 500,
    title: 'Internal error',
    happened: 'The service met a fault of its own. It has logged it.',
    mend: 'Try again; if it happens again, report the X-Request-Id of the answer to whoever runs the service: the log has it too.',
  },
  'webhooks-off': {
    status: 501,
    title: 'Webhooks off',
    happened: 'The service has no key to encrypt the secrets of webhooks with. Nothing was done.',
    mend: 'Whoever runs the service sets SECRETS_KEY, to what openssl rand -base64 32 prints, and starts it again.',
  },
  'run-failed': {
    status: 502,
    title: 'Run failed',
    happened: 'So many sub-tasks failed that the reply policy can’t be met any more.',
    mend: 'failures says why each did. GET /runs/{runId} has the whole run. A new run may fare better, after the time in Retry-After where there is one.',
  },
  'not-ready': {
    status: 503,
    title: 'Not ready',
    happened: 'The service takes no requests at the moment: it is starting or stopping.',
    mend: 'Send requests to another instance, or wait.',
  },
  'run-cancelled': {
    status: 503,
    title: 'Run cancelled',
    happened:
      'Sub-tasks of the run were cancelled before there was a reply, most often by a stop of the service.',
    mend: 'Start a new run after the time in Retry-After.',
  },
  overloaded: {
    status: 503,
    title: 'Overloaded',
    happened:
      'As many runs, streams or connections wait or take memory as the service allows. The new one was not accepted.',
    mend: 'Try again after the time in Retry-After. MAX_CONCURRENT_SUB_TASKS, MAX_QUEUED_RUNS, MAX_CONNECTIONS and MEMORY_BUDGET set the bounds.',
  },
  'journal-unavailable': {
    status: 503,
    title: 'Journal unavailable',
    happened: 'What is to outlive a crash can’t be written or read at the moment. A new run was not started.',
    mend: 'Try again after the time in Retry-After. Whoever runs the service finds the cause in its log: most often a full disk, or a database that can’t be reached.',
  },
  'worker-node': {
    status: 503,
    title: 'Worker node',
    happened:
      'This node takes no new runs (ROLE=worker). It answers for those that other nodes have accepted.',
    mend: 'Send the request to another node: one whose ROLE is all or api.',
  },
  'run-disputed': {
    status: 502,
    title: 'Run disputed',
    happened:
      'The sub-tasks succeeded, but so few of their results are equal that the reply policy agreement can’t be met any more.',
    mend: 'camps names the sub-tasks by what their results say. Find out who is right, or leave out by pointer and ignore what may differ.',
  },
  'stream-restarted': {
    status: 502,
    title: 'Stream restarted',
    happened:
      'The stream that was shown broke off, and the run goes on from scratch. Only callers who can’t be told to clear what they were shown get this: clients of OpenAI, and readers in your own app without onRestart.',
    mend: 'Void what was shown. Send the request again with its Idempotency-Key, or read the run, for what the new stream brings.',
  },
  'deadline-exceeded': {
    status: 504,
    title: 'Deadline exceeded',
    happened:
      'The deadline of the reply, or of the run, came before there were as many successes as the reply takes.',
    mend: 'missing names the sub-tasks that had brought no result. Allow a longer deadline or a smaller min. Where the deadline was that of the reply, GET /runs/{runId} has what they bring later.',
  },
  stopping: {
    status: 503,
    title: 'Stopping',
    happened:
      'The service is stopping. With a runId, the run was begun; if it was recorded, the next start of the service goes on with it.',
    mend: 'With a runId, look at GET /runs/{runId} later. Without, send the request again after the time in Retry-After.',
  },
} as const satisfies Record<string, ProblemType>;
