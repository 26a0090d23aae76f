import { clientErrors } from './client-errors.js';
import { serverErrors } from './server-errors.js';

/** Every kind of error (RFC 9457), by the last step of its `type`. */
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
