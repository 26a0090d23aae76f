import { z } from 'zod';
import { labelsOf } from './labels.js';
import { NAME, NAME_FORM } from './name.js';

/** Most labels of a run, and longest value in UTF-16 code units. Both are small because each event of the run carries the labels. */
const MAX_LABELS = 8;
const MAX_LENGTH = 128;
/** Any text without control characters and halves of surrogate pairs. Every database and log line can hold it. */
const VALUE = /^[^\p{Cc}\p{Cs}]+$/u;
/** {@link VALUE} for the OpenAPI document. It allows halves of surrogate pairs, since many readers compile patterns without the flag `u`. */
const PATTERN = '^[^\\u0000-\\u001F\\u007F-\\u009F]+$';

/** A text that every database and log line can hold unchanged. @param most longest text, in UTF-16 code units */
export function plainTextSchema(most: number) {
  const error = `takes a text of 1 to ${most} characters, without control characters`;
  return z
    .string({ error: 'takes a text' })
    .max(most, { error: `takes a text of 1 to ${most} characters` })
    .refine((text) => VALUE.test(text), { error })
    .meta({ pattern: PATTERN });
}

const textsSchema = z.record(
  z.string().regex(NAME, { error: `is no name of a label: it takes ${NAME_FORM}` }),
  plainTextSchema(MAX_LENGTH),
  {
    error: ({ code }) =>
      code === 'invalid_key' ? `is no name of a label: it takes ${NAME_FORM}` : 'takes an object of texts',
  },
);

/** The labels by which a caller finds a run later, such as a tenant or an order. Their number is checked before each label is. */
export const labelsSchema = z
  .preprocess((labels, context) => {
    if (typeof labels !== 'object' || labels === null || Object.keys(labels).length <= MAX_LABELS)
      return labels;
    context.addIssue({ code: 'custom', message: `takes at most ${MAX_LABELS} labels` });
    return z.NEVER;
  }, textsSchema)
  .meta({
    id: 'Labels',
    description:
      'What the caller says of the run, such as a tenant or an order: runs and events are found by it. Each event of the run carries it.',
    maxProperties: MAX_LABELS,
    examples: [{ tenant: 'acme', order: '4711' }],
  });

/** The query parameter that filters by labels, given once or several times: `label=tenant:acme`. */
export const labelFilterSchema = z.preprocess(
  (texts) => [...new Set([texts].flat())],
  z
    .array(
      z.string().refine((text) => text.includes(':') && labelsSchema.safeParse(labelsOf([text])).success, {
        error: ({ input }) =>
          `${JSON.stringify(input)} is no label; it takes a name, a colon and a value, such as tenant:acme`,
      }),
    )
    .max(MAX_LABELS, { error: `takes at most ${MAX_LABELS} labels` })
    .meta({
      description:
        'Of runs with this label: its name, a colon and its value. Given several times, of runs with all of them.',
      examples: [['tenant:acme']],
    }),
);

/** That query parameter in the OpenAPI document. */
export const labelFilterParameter = {
  name: 'label',
  required: false,
  style: 'form',
  explode: true,
  schema: { type: 'array', maxItems: MAX_LABELS, items: { type: 'string' }, example: ['tenant:acme'] },
} as const;
