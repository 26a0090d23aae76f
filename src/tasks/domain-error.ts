export type DomainErrorCode =
  | 'task-unknown'
  | 'run-unknown'
  | 'invalid-request'
  | 'run-failed'
  | 'run-cancelled'
  | 'overloaded'
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

/** One thing that is wrong with an input; `pointer` is a JSON Pointer (RFC 6901) into the request's body. */
export interface InputError {
  readonly pointer: string;
  readonly detail: string;
}

/** The refusal of an input, with every thing that is wrong with it. */
export function invalidRequest(errors: readonly InputError[]): DomainError {
  return new DomainError('invalid-request', 'The request does not fit; errors says where and why', {
    errors,
  });
}

type PathSegment = PropertyKey | { readonly key: PropertyKey };

/** The issues of a Standard Schema validation as {@link InputError}s, below `base`. */
export function inputErrors(
  issues: readonly { readonly message: string; readonly path?: readonly PathSegment[] | undefined }[],
  base = '',
): InputError[] {
  return issues.map(({ message, path = [] }) => ({
    pointer: base + path.map(pointerStep).join(''),
    detail: message,
  }));
}

function pointerStep(segment: PathSegment): string {
  const key = String(typeof segment === 'object' ? segment.key : segment);
  return `/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`;
}
