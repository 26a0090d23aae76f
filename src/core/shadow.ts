import { z } from 'zod';
import { comparisonSchema } from './policies.js';

/** How many of the runs it takes part in, as a share of all. */
const sampleSchema = z
  .string()
  .regex(/^(?:100|\d{1,2}(?:\.\d{1,3})?)%$/, 'takes a percentage from 0% to 100%, such as 5%')
  .meta({
    description: 'In how many of the runs it starts, such as `5%`. Default: in all.',
    examples: ['5%'],
  });

/** That a sub-task runs beside the others and is compared with them: its results are in no reply. */
export const shadowSchema = z
  .union([z.literal(true), z.strictObject({ sample: sampleSchema.exactOptional(), ...comparisonSchema })], {
    error: 'takes true, or an object such as {"sample": "5%"} with sample, pointer and ignore',
  })
  .meta({
    id: 'Shadow',
    description:
      'Makes the sub-task a shadow: it runs beside the others, its result is in no reply, and the race table compares it with the reply.',
    examples: [{ sample: '5%' }],
  });

export type ShadowOptions = Readonly<z.infer<typeof shadowSchema>>;

/** What of a result is compared: see `agreement` of `ReplyPolicy`. */
export interface Comparison {
  readonly pointer?: string;
  readonly ignore?: readonly string[];
}

/** How a shadow is run and compared, with its defaults. */
export interface ShadowTerms extends Comparison {
  readonly sample: string;
}

export function shadowTerms(options: ShadowOptions): ShadowTerms {
  return { sample: '100%', ...(options !== true && options) };
}
