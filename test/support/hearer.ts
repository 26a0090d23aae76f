import type { Hearer } from '../../src/core/measures.js';

/** Hears of some measures, and of nothing else. */
export function hearer(heard: Partial<Hearer>): Hearer {
  const ignore = (): void => undefined;
  return {
    ...{ answered: ignore, called: ignore, committed: ignore, attempted: ignore },
    ...{ shared: ignore, compared: ignore, ...heard },
  };
}
