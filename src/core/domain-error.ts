import { freezeJson, JsonError, type JsonValue } from './json.js';

export type DomainErrorCode =
  | 'foreign-page'
  | 'not-found'
  | 'task-unknown'
  | 'run-unknown'
  | 'run-finished'
  | 'run-unfinished'
  | 'sub-task-unknown'
  | 'sub-task-not-failed'
  | 'webhook-unknown'
  | 'delivery-unknown'
  | 'webhooks-full'
  | 'webhooks-off'
  | 'input-not-kept'
  | 'precondition-failed'
  | 'postgres-needed'
  | 'tasks-file-needed'
  | 'tasks-file-wrong'
  | 'idempotency-key-reused'
  | 'invalid-request'
  | 'payload-too-large'
  | 'run-failed'
  | 'run-cancelled'
  | 'deadline-exceeded'
  | 'run-disputed'
  | 'stream-restarted'
  | 'overloaded'
  | 'journal-unavailable'
  | 'worker-node'
  | 'stopping';

/** An error to tell a caller, in any protocol. `code` is stable, `details` add to the message. */
export class DomainError extends Error {
  constructor(
    readonly code: DomainErrorCode,
    message: string,
    readonly details: Readonly<Record<string, unknown>> = {},
  ) {
    super(message);
    this.name = 'DomainError';
  }
}

/** The error for a run that doesn't exist, or isn't kept any more. */
export function unknownRun(id = ''): DomainError {
  return new DomainError('run-unknown', `There is no run ${JSON.stringify(id)}, or it is kept no more`);
}

/** One thing that is wrong with an input; `pointer` is a JSON Pointer (RFC 6901) into the request's body. */
export interface InputError {
  readonly pointer: string;
  readonly detail: string;
}

/** One thing that is wrong with a request besides its body. */
export type ParameterError = ({ readonly parameter: string } | { readonly header: string }) & {
  readonly detail: string;
};

/** Most errors that one answer lists. It keeps the answer from being much longer than the request. */
export const MOST_ERRORS = 100;

/** The error for a request that is wrong. It lists the first {@link MOST_ERRORS} errors. */
export function invalidRequest(errors: readonly (InputError | ParameterError)[]): DomainError {
  return new DomainError('invalid-request', 'The request does not fit; errors says where and why', {
    errors: errors.slice(0, MOST_ERRORS),
  });
}

/**
 * Freezes a value that a caller sent. Refuses what {@link freezeJson} refuses, such as a value nested too deep.
 *
 * @param pointer JSON Pointer to the value in the request's body
 * @throws {DomainError} `invalid-request`
 */
export function freezeRequest(value: JsonValue, pointer: string): void {
  try {
    freezeJson(value);
  } catch (error) {
    if (error instanceof JsonError) throw invalidRequest([{ pointer, detail: error.message }]);
    throw error;
  }
}

type PathSegment = PropertyKey | { readonly key: PropertyKey };

export interface Issue {
  readonly message: string;
  readonly path?: readonly PathSegment[] | undefined;
  /** Zod's list of the keys that an object must not have. */
  readonly keys?: readonly string[];
}

/** The issues of a Standard Schema validation as {@link InputError}s, below `base`. */
export function inputErrors(issues: readonly Issue[], base = ''): InputError[] {
  return issues.flatMap(({ message, path = [], keys }) => {
    // A path may be a subclass of Array, whose `map` would make that subclass again.
    const pointer = base + Array.from(path, pointerStep).join('');
    if (!keys) return [{ pointer, detail: message }];
    return keys.map((key) => ({ pointer: pointer + pointerStep(key), detail: 'is not known here' }));
  });
}

function pointerStep(segment: PathSegment): string {
  const key = String(typeof segment === 'object' ? segment.key : segment);
  return `/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`;
}
