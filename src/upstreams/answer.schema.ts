import { z } from 'zod';
import { jsonValueSchema } from '../core/run.js';
import { expressionMistake, expressionOf } from '../expressions/expression.js';
import { compileBodySchema } from './body-schema.js';
import { resultMistakes } from './result-template.js';

/** The ways to turn a body into a value. */
export const BODY_FORMS = ['json', 'text', 'base64'] as const;

const expectSchema = z
  .strictObject({
    status: z
      .array(z.int().min(200).max(599))
      .min(1)
      .optional()
      .meta({
        description:
          'The statuses that are an answer: with [200, 404] a 404 is one, and its body is read as well. Default: every 2xx.',
        examples: [[200, 404]],
      }),
    body: jsonValueSchema.optional().meta({
      description: 'A JSON Schema (2020-12) that the body meets. `format` is an annotation.',
      examples: [{ type: 'object', required: ['items'] }],
    }),
    when: z
      .string()
      .max(8_000)
      .optional()
      .meta({
        description:
          'An expression in JSONata between {% and %} that is true of the answer. The body is its context; $input, $status and $headers are there too.',
        examples: ["{% state = 'done' and $count(items) > 0 %}"],
      }),
  })
  .superRefine(({ body, when }, context) => {
    const report = (path: readonly PropertyKey[], message: string) =>
      context.addIssue({ code: 'custom', path: [...path], message });
    if (when !== undefined) {
      const source = expressionOf(when);
      const mistake =
        source === undefined
          ? "takes an expression in JSONata such as {% state = 'done' %}"
          : expressionMistake(source);
      if (mistake !== undefined) report(['when'], mistake);
    }
    const made = body === undefined ? undefined : compileBodySchema(body);
    if (made && 'flaws' in made)
      for (const { path, message } of made.flaws) report(['body', ...path], message);
  })
  .meta({
    description:
      'What an answer has. A response that doesn’t have it is a failure; `retry` tries one again whose status is an answer.',
  });

/** The members of a sub-task that define its result from a response. */
export const answerFields = {
  expect: expectSchema.optional(),
  as: z
    .enum(BODY_FORMS)
    .optional()
    .meta({
      description:
        'What the body is read as: json, whatever its Content-Type, and what is none is a failure; text, in the charset of its Content-Type; base64, all of its bytes. Default: JSON where its Content-Type says so or result or expect.body reads it, a text otherwise.',
      examples: ['json', 'base64'],
    }),
  result: jsonValueSchema
    .superRefine((result, context) => {
      for (const { path, message } of resultMistakes(result))
        context.addIssue({ code: 'custom', path: [...path], message });
    })
    .optional()
    .meta({
      type: ['string', 'object'],
      description:
        'A JSON Pointer to what of the body is the result, an expression in JSONata between {% and %}, or an object of those, of numbers, true, false and null as they are, of { pointer, default } and of { const } for any other constant. Expressions have the body as their context, and $input, $status and $headers. Default: the whole body, null where there is none.',
      examples: [
        '/data/price',
        '{% $sum(items.price) %}',
        { id: '/id', price: { pointer: '/price', default: null } },
      ],
    }),
};
