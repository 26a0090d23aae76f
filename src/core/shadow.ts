import { z } from 'zod';
import { comparisonSchema } from './policies.js';

/** Share of the task's runs in which the shadow starts. */
const sampleSchema = z
  .string()
  .regex(/^(?:100|\d{1,2}(?:\.\d{1,3})?)%$/, 'takes a percentage from 0% to 100%, such as 5%')
  .meta({
    description: 'In how many of the runs it starts, such as `5%`. Default: in all.',
    examples: ['5%'],
  });

/** Makes a sub-task a shadow: it runs beside the others, its result is in no reply, and the result is compared with the reply. */
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

/** Which parts of a result are compared: see `agreement` of `ReplyPolicy`. */
export interface Comparison {
  readonly pointer?: string;
  readonly ignore?: readonly string[];
}

/** How a shadow is run and compared: its options with their defaults. */
export interface ShadowTerms extends Comparison {
  readonly sample: string;
}

export function shadowTerms(options: ShadowOptions): ShadowTerms {
  return { sample: '100%', ...(options !== true && options) };
}
