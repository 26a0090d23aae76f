import type { z } from 'zod';

/** One environment variable: its default text, its values and its purpose. */
export interface Variable<T extends z.ZodType> {
  readonly schema: T;
  readonly fallback: string;
  readonly takes: string;
  readonly purpose: string;
  /** Whether messages must not show the value. */
  readonly secret?: true;
}

export type Variables = Record<string, Variable<z.ZodType>>;
