import { clientErrors } from './client-errors.js';
import { serverErrors } from './server-errors.js';

/** All problem types (RFC 9457), by the last segment of `type`. */
export const problemTypes = { ...clientErrors, ...serverErrors } as const;

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

/** The last segment of a problem's type. */
export function codeOfProblem({ type }: Problem): ProblemCode {
  return type.slice(type.lastIndexOf('/') + 1) as ProblemCode;
}

/**
 * Makes a problem document.
 *
 * @param base what links begin with
 * @param path the requested path, or a replacement for it; empty where it could not be read
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
