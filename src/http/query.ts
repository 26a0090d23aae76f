import { z } from 'zod';
import type { Issue, ParameterError } from '../core/domain-error.js';

/** A whole number in the text of a query or a header. */
export function wholeNumber(least: number, most = Number.MAX_SAFE_INTEGER) {
  const error = `takes one whole number from ${least} to ${most}`;
  return z
    .string({ error })
    .regex(/^\d{1,16}$/, { error })
    .transform(Number)
    .pipe(z.int({ error }).min(least, { error }).max(most, { error }));
}

/** Turns validation issues of a query into errors with the names of parameters. */
export function parameterErrors(issues: readonly Issue[]): ParameterError[] {
  return issues.flatMap(({ message, path: [step = ''] = [], keys }) => {
    if (keys) return keys.map((parameter) => ({ parameter, detail: unknownParameter(parameter) }));
    return { parameter: String(typeof step === 'object' ? step.key : step), detail: message };
  });
}

function unknownParameter(parameter: string): string {
  const [, name] = /^([^[]+)\[\d*\]$/.exec(parameter) ?? [];
  return name === undefined
    ? 'is not known here'
    : `is written without brackets: ${name}=a,b or ${name}=a&${name}=b`;
}
