import { z } from 'zod';

/** How many differences are kept. */
const KEPT = 10;

const count = z.int().min(0);
const differenceSchema = z.object({ runId: z.string(), time: z.string(), pointers: z.array(z.string()) });

/** A run in which a shadow's result differs from the reply, and the places where they differ. */
export type Difference = z.infer<typeof differenceSchema>;

/** How the results of a shadow compare with replies. */
export class ShadowTally {
  equal = 0;
  different = 0;
  /** The newest come first. */
  differences: Difference[] = [];

  note(difference: Difference): void {
    if (difference.pointers.length === 0) {
      this.equal += 1;
      return;
    }
    this.different += 1;
    this.differences = [difference, ...this.differences].slice(0, KEPT);
  }

  add({ equal, different, differences }: ShadowTally): void {
    this.equal += equal;
    this.different += different;
    this.differences = [...this.differences, ...differences]
      .sort((one, other) => other.time.localeCompare(one.time))
      .slice(0, KEPT);
  }
}

export const shadowTallySchema = z
  .object({ equal: count, different: count, differences: z.array(differenceSchema) })
  .transform((tally) => Object.assign(new ShadowTally(), tally));
