import type { z } from 'zod';

/** One environment variable: the text it defaults to, what it takes and what it is for. */
export interface Variable<T extends z.ZodType> {
  readonly schema: T;
  readonly fallback: string;
  readonly takes: string;
  readonly purpose: string;
  /** Whether no message may say what it is. */
  readonly secret?: true;
}

export type Variables = Record<string, Variable<z.ZodType>>;
