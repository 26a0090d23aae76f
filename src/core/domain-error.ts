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

/** Something a caller must be told, whatever the protocol. `code` is stable, `details` add to the message. */
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

/** The refusal to tell of a run that there is none of. */
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

/** A caller is told of no more things that are wrong with a request: the answer is never much longer than the request. */
export const MOST_ERRORS = 100;

/** The refusal of a request, with the things that are wrong with it: the first {@link MOST_ERRORS}. */
export function invalidRequest(errors: readonly (InputError | ParameterError)[]): DomainError {
  return new DomainError('invalid-request', 'The request does not fit; errors says where and why', {
    errors: errors.slice(0, MOST_ERRORS),
  });
}

/**
 * Freezes what a caller sent, or refuses what no recursive reader could take.
 *
 * @param pointer where in the request's body it stands
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
    // A path may be an array of a class of its own, whose `map` makes another of that class.
    const pointer = base + Array.from(path, pointerStep).join('');
    if (!keys) return [{ pointer, detail: message }];
    return keys.map((key) => ({ pointer: pointer + pointerStep(key), detail: 'is not known here' }));
  });
}

function pointerStep(segment: PathSegment): string {
  const key = String(typeof segment === 'object' ? segment.key : segment);
  return `/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`;
}
