/** How many steps a check may take: so many for each part of the value, and at least `LEAST_STEPS`. A step takes some 50 ns. */
const STEPS_OF_VALUE = 20;
const LEAST_STEPS = 500_000;

/** Thrown by a check that takes too many steps. */
export class EffortError extends Error {
  override name = 'EffortError';
}

/**
 * Counts the steps of the check that is under way: a few for each value of a schema that fits its values, but 2ⁿ at n levels of a
 * schema that refers to itself twice. Checks are done at once, so that one counter is enough.
 */
export const effort = {
  /** The steps that are left. */
  left: 0,
  checked: undefined as unknown,
  isExtended: false,

  /** To be called before the check of a value. */
  begin(value: unknown): void {
    this.left = LEAST_STEPS;
    this.checked = value;
    this.isExtended = false;
  },

  /** @throws {EffortError} when the value has used up its steps */
  spend(steps: number): void {
    this.left -= steps;
    if (this.left < 0) this.extend();
  },

  /** Allows more steps for a large value. Only then is the value measured. @throws {EffortError} */
  extend(): void {
    if (!this.isExtended) this.left += STEPS_OF_VALUE * valuesOf(this.checked) - LEAST_STEPS;
    this.isExtended = true;
    if (this.left < 0) throw new EffortError('The check takes too many steps');
  },
};

function valuesOf(value: unknown): number {
  if (typeof value === 'string') return 1 + (value.length >> 4);
  if (typeof value !== 'object' || value === null) return 1;
  return Object.values(value).reduce((sum: number, child) => sum + valuesOf(child), 1);
}
