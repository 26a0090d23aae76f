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
    happened: 'The request can’t be read: it is not HTTP, or its address or its headers are malformed.',
    mend: 'Check the encoding of the address (percent signs stand before two hexadecimal digits) and the headers.',
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
    mend: 'Each entry of errors names the place, by a JSON Pointer into the body, a header or a query parameter, and says what belongs there.',
  },
  unauthorized: {
    status: 401,
    title: 'Unauthorized',
    happened: 'The request has no API key, or one that the service doesn’t know.',
    mend: 'Send a key as Authorization: Bearer, or as X-API-Key. Whoever runs the service makes one with frontrunner keys. A stream token is good for five minutes and one event stream; POST /stream-tokens makes a new one.',
  },
  forbidden: {
    status: 403,
    title: 'Forbidden',
    happened: 'The API key is good, but not for this: it lacks the scope that WWW-Authenticate names.',
    mend: 'Use a key with that scope. runs:write starts and changes runs, runs:read looks at them; neither implies the other. With :own behind it, a scope is good for the runs that the key has started. Webhooks need webhooks:write, and runs:read or runs:read:own beside it.',
  },
  'foreign-page': {
    status: 403,
    title: 'Foreign page',
    happened:
      'A web page of another origin asked for something that starts or changes runs. Nothing was run.',
    mend: 'Name the origin of the page in CORS_ORIGINS, and let it call with fetch. To start a run by hand, type the address, or use /docs.',
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
  'sub-task-unknown': {
    status: 404,
    title: 'Unknown sub-task',
    happened: 'The run has no sub-task of this name.',
    mend: 'GET /runs/{runId} lists the sub-tasks of the run.',
  },
  'webhook-unknown': {
    status: 404,
    title: 'Unknown webhook',
    happened: 'There is no webhook with this id, or it was made with a key that sees other runs.',
    mend: 'GET /webhooks lists the webhooks. runs stands for those that runs have of their own: they have deliveries alone.',
  },
  'delivery-unknown': {
    status: 404,
    title: 'Unknown delivery',
    happened: 'The webhook has no dead delivery of this event.',
    mend: 'GET /webhooks/{webhookId}/deliveries?status=dead lists the dead ones. Those that wait are tried again by themselves.',
  },
  'method-not-allowed': {
    status: 405,
    title: 'Method not allowed',
    happened: 'The address is right, the method is not.',
    mend: 'Use one of the methods that the Allow header names.',
  },
  'not-acceptable': {
    status: 406,
    title: 'Not acceptable',
    happened: 'The Accept header allows none of the media types that the answer could have. Nothing was run.',
    mend: 'Send Accept: application/json, or */*, or no Accept header. Problems come as they are, whatever it says.',
  },
  'request-timeout': {
    status: 408,
    title: 'Request timeout',
    happened:
      'The request did not arrive in time: one minute or KEEP_ALIVE_TIMEOUT, whichever is longer, and ten seconds more for each megabyte that MAX_INPUT_BYTES allows.',
    mend: 'Send it again, on a new connection.',
  },
  'run-finished': {
    status: 409,
    title: 'Run finished',
    happened: 'The run has finished before it could be cancelled.',
    mend: 'Nothing is left to be cancelled. GET /runs/{runId} shows how the run ended.',
  },
  'run-unfinished': {
    status: 409,
    title: 'Run unfinished',
    happened: 'Only a finished run can be erased, and this one goes on.',
    mend: 'POST /runs/{runId}/cancel ends it, and GET /runs/{runId}?wait=30s waits for its end. Erase it then.',
  },
  'postgres-needed': {
    status: 409,
    title: 'Postgres needed',
    happened:
      'This is about nodes that share a Postgres database, and no other node shares the database of this one.',
    mend: 'Set DATABASE_URL to a Postgres database on the service.',
  },
  'input-not-kept': {
    status: 409,
    title: 'Input not kept',
    happened:
      'The task keeps its input, or a part of it, out of the journal, so a sub-task can’t be tried again once the run has ended or a crash has cut it off.',
    mend: 'Start a new run with the same input.',
  },
  'tasks-file-needed': {
    status: 409,
    title: 'Tasks file needed',
    happened: 'The service has no tasks file that it could read again.',
    mend: 'Set TASKS_FILE on the service, and start it again.',
  },
  'tasks-file-wrong': {
    status: 409,
    title: 'Tasks file wrong',
    happened:
      'There are mistakes in the tasks file. Nothing was changed: the service goes on with its tasks.',
    mend: 'mistakes says of each where it stands and what belongs there. frontrunner check finds them too. Mend the file, and reload it again.',
  },
  'sub-task-not-failed': {
    status: 409,
    title: 'Sub-task not failed',
    happened:
      'Only a sub-task that has failed can be retried, and this one has not, or has been retried already.',
    mend: 'GET /runs/{runId} shows its status. To do everything again, start a new run.',
  },
  'webhooks-full': {
    status: 409,
    title: 'Too many webhooks',
    happened: 'There are 1,000 webhooks, which is the most that the service keeps.',
    mend: 'DELETE /webhooks/{webhookId} those that nobody needs, or let one webhook tell of several tasks.',
  },
  'precondition-failed': {
    status: 412,
    title: 'Precondition failed',
    happened: 'The run or the webhook has changed: its ETag is none of those in If-Match. Nothing was done.',
    mend: 'GET shows it as it is, and its ETag. Send the request again with that, or without If-Match.',
  },
  'payload-too-large': {
    status: 413,
    title: 'Payload too large',
    happened: 'The body of the request is larger than the service takes.',
    mend: 'Send less (a batch in several parts), or raise MAX_INPUT_BYTES on the service.',
  },
  'unsupported-media-type': {
    status: 415,
    title: 'Unsupported media type',
    happened:
      'The body of the request is not marked as JSON in UTF-8, or is compressed in a way that is not known.',
    mend: 'Send Content-Type: application/json.',
  },
  'expectation-failed': {
    status: 417,
    title: 'Expectation failed',
    happened: 'The Expect header asks for something that the service does not know.',
    mend: 'Send Expect: 100-continue, or no Expect header.',
  },
  'misdirected-request': {
    status: 421,
    title: 'Misdirected request',
    happened:
      'The service needs no API key, and the Host header has a name that is not one of its own. A web page that lets its own name lead to this machine would call it so.',
    mend: 'Call it by localhost, by an address of its own or by HOST, add the name to ALLOWED_HOSTS, or give callers keys (API_KEYS_FILE).',
  },
  'idempotency-key-reused': {
    status: 422,
    title: 'Idempotency key reused',
    happened:
      'The Idempotency-Key was used before, for another task, with another body, or with other headers of those that the task keeps.',
    mend: 'Send the same request as before to get its run, or make a new key for a new request.',
  },
  'too-many-requests': {
    status: 429,
    title: 'Too many requests',
    happened: 'More requests came with this API key, or from this address, than RATE_LIMIT allows.',
    mend: 'Send the request again after the time in Retry-After. RateLimit says with every answer how many requests are left.',
  },
  'headers-too-large': {
    status: 431,
    title: 'Headers too large',
    happened: 'The address and the headers of the request have more than 16 KiB together.',
    mend: 'Send fewer or shorter headers. What is long belongs into the body.',
  },
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

/** The last step of the type of a problem. */
export function codeOfProblem({ type }: Problem): ProblemCode {
  return type.slice(type.lastIndexOf('/') + 1) as ProblemCode;
}

/**
 * @param base what links begin with
 * @param path the path that was asked for, or what stands in its place; empty where that could not be read
 */
export function problem(
  code: ProblemCode,
  detail: string,
  { base = '', path = '' }: { readonly base?: string | undefined; readonly path?: string | undefined },
  extensions: Readonly<Record<string, unknown>> = {},
): Problem {
  const { title, status } = problemTypes[code];
  const instance = path.startsWith('/') ? base + path : path;
  return { ...extensions, type: `${base}/problems/${code}`, title, status, detail, instance };
}
