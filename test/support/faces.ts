import { test } from '@jest/globals';

/** Who serves the HTTP face: the service, or an application of Nest that it is part of, with either adapter. */
export const FACES = ['service', 'express', 'fastify'] as const;
export type Face = (typeof FACES)[number];

/** A test of the service alone; in a host it is left out, which is said with the reason. */
export function ofService(
  face: Face,
  why: string,
): Pick<typeof test, 'each'> & ((...args: Parameters<typeof test>) => void) {
  if (face === 'service') return test;
  process.stderr.write(`left out within ${face}: ${why}\n`);
  return test.skip;
}
