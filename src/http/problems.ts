/** A kind of error that a caller may meet: the title and status of its problem document, and its page. */
export interface ProblemType {
  readonly status: number;
  readonly title: string;
  /** What happened. */
  readonly happened: string;
  /** What the caller can do. */
  readonly mend: string;
}

/** Every kind of error (RFC 9457), by the last step of its `type`. */
export const problemTypes = {
  'bad-request': {
    status: 400,
    title: 'Bad request',
    happened: 'The request can’t be read: its address or its headers are malformed.',
    mend: 'Check the encoding of the address (percent signs stand before two hexadecimal digits).',
  },
  'malformed-json': {
    status: 400,
    title: 'Malformed JSON',
    happened: 'The body of the request is not JSON.',
    mend: 'Send JSON as RFC 8259 defines it, in UTF-8. The detail says where reading stopped.',
  },
  'invalid-request': {
    status: 400,
    title: 'Invalid request',
    happened: 'The request was read, but something in it does not fit.',
    mend: 'Each entry of errors has a JSON Pointer to the place and says what belongs there.',
  },
  'not-found': {
    status: 404,
    title: 'Not found',
    happened: 'Nothing answers at this address.',
    mend: 'See /docs for the addresses there are.',
  },
  'task-unknown': {
    status: 404,
    title: 'Unknown task',
    happened: 'The service has no task of this name.',
    mend: 'GET /tasks lists the tasks. A new one must be listed among the providers of a module.',
  },
  'run-unknown': {
    status: 404,
    title: 'Unknown run',
    happened: 'There is no run with this id, or it finished so long ago that it is kept no more.',
    mend: 'Take the id from the Location header or the runId of the answer that started the run.',
  },
  'method-not-allowed': {
    status: 405,
    title: 'Method not allowed',
    happened: 'The address is right, the method is not.',
    mend: 'Use one of the methods that the Allow header names.',
  },
  'payload-too-large': {
    status: 413,
    title: 'Payload too large',
    happened: 'The body of the request is larger than the service takes.',
    mend: 'Send less, or raise MAX_INPUT_BYTES on the service.',
  },
  'unsupported-media-type': {
    status: 415,
    title: 'Unsupported media type',
    happened:
      'The body of the request is not marked as JSON in UTF-8, or is compressed in a way that is not known.',
    mend: 'Send Content-Type: application/json.',
  },
  'internal-error': {
    status: 500,
    title: 'Internal error',
    happened: 'The service met a fault of its own. It has logged it.',
    mend: 'Try again; if it happens again, report the time of the request to whoever runs the service.',
  },
  'run-failed': {
    status: 502,
    title: 'Run failed',
    happened: 'So many sub-tasks failed that the reply policy can’t be met any more.',
    mend: 'failures says why each did. GET /runs/{runId} has the whole run. A new run may fare better.',
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
      'As many runs wait for their turn, or for the disk, as the service allows. The new one was not accepted.',
    mend: 'Try again after the time in Retry-After. MAX_CONCURRENT_SUB_TASKS and MAX_QUEUED_RUNS set the bounds.',
  },
  'journal-unavailable': {
    status: 503,
    title: 'Journal unavailable',
    happened: 'What is to outlive a crash can’t be written or read at the moment. A new run was not started.',
    mend: 'Try again after the time in Retry-After. Whoever runs the service finds the cause in its log: most often a full disk.',
  },
  stopping: {
    status: 503,
    title: 'Stopping',
    happened:
      'The service is stopping. With a runId, the run was begun; if it was recorded, the next start of the service goes on with it.',
    mend: 'With a runId, look at GET /runs/{runId} later. Without, send the request again after the time in Retry-After.',
  },
} as const satisfies Record<string, ProblemType>;

export type ProblemCode = keyof typeof problemTypes;

/** An RFC 9457 problem document. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly instance: string;
  readonly [extension: string]: unknown;
}

export function problem(
  code: ProblemCode,
  detail: string,
  instance: string,
  extensions: Readonly<Record<string, unknown>> = {},
): Problem {
  const { title, status } = problemTypes[code];
  return { ...extensions, type: `/problems/${code}`, title, status, detail, instance };
}
