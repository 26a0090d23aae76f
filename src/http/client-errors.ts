import type { ProblemType } from './problem-type.js';

/** The problem types whose cause is the request (4xx), by their codes. */
export const clientErrors = {
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
} as const satisfies Record<string, ProblemType>;
