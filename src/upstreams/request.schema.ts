import { z } from 'zod';
import type { JsonValue } from '../core/json.js';
import { jsonValueSchema } from '../core/run.js';
import { textsOf } from './body-template.js';
import { isForm, isJson } from './media-type.js';
import { TemplateError } from './template-error.js';
import { tokensOf } from './template-text.js';

/** Reports each text of a body that is no valid template. */
function checkTexts(body: JsonValue, context: z.RefinementCtx): void {
  for (const [path, text] of textsOf(body, [])) {
    try {
      tokensOf(text);
    } catch (error) {
      if (!(error instanceof TemplateError)) throw error;
      context.addIssue({ code: 'custom', path: [...path], message: error.message });
    }
  }
}

const formValue = z.union([z.string(), z.number(), z.boolean()]);

/** The ways to give a request a body. At most one may be used. */
export const bodyFields = {
  body: jsonValueSchema
    .superRefine(checkTexts)
    .optional()
    .meta({
      description:
        'JSON, in which a text that is exactly "{name}" becomes the member of the run’s input, whatever it is, {name} within a text becomes its text, and ${NAME} an environment variable, whose value is never logged or kept. "{{" and "}}" are literal braces. Names of members are sent as they are. Default for POST, PUT and PATCH without form and text: the whole input; for DELETE: none. Sent as application/json unless headers name another type of JSON.',
      examples: [{ query: '{q}', note: 'for {customer}' }],
    }),
  form: z
    .record(
      z.string(),
      z.union([formValue, z.array(formValue)], {
        error: 'takes a text, a number, a boolean or a list of them',
      }),
    )
    .superRefine(checkTexts)
    .optional()
    .meta({
      description:
        'Fields that are sent as application/x-www-form-urlencoded, with the same templates as body. A list is sent as a field each. A field whose "{name}" the input has not is left out.',
      examples: [{ grant_type: 'client_credentials', client_secret: '${SECRET}', scope: '{scope}' }],
    }),
  text: z
    .string()
    .superRefine(checkTexts)
    .optional()
    .meta({
      description:
        'A body of text, with the same templates as body; what they bring is not encoded. Sent as text/plain in UTF-8 unless headers name another type.',
      examples: ['<city>{city}</city>'],
    }),
};

export const finalSchema = z
  .array(z.int().min(400).max(499))
  .min(1)
  .meta({
    description:
      'Statuses from 400 to 499 that are the caller’s own fault: then no attempt follows, and no sub-task starts that has not started yet. Default: none.',
    examples: [[400, 422]],
  });

interface RequestBody {
  readonly method?: string | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly body?: unknown;
  readonly form?: unknown;
  readonly text?: unknown;
}

/** Checks a request’s body against its other members. */
export function checkBodies(
  options: RequestBody,
  report: (path: readonly string[], message: string) => void,
): void {
  const { method = 'GET', headers = {} } = options;
  const bodies = (['body', 'form', 'text'] as const).filter((name) => options[name] !== undefined);
  for (const name of bodies) {
    if (method === 'GET' || method === 'HEAD')
      report([name], `a ${method} has no body; write method: POST, or put it into the query`);
    else if (name !== bodies[0])
      report([name], `is a second body, beside ${bodies[0] ?? ''}; take one of them out`);
  }
  const [kind = 'body'] = bodies;
  const type = Object.keys(headers).find((name) => /^content-type$/i.test(name));
  if (type === undefined || kind === 'text') return;
  if (kind === 'form' && !isForm(headers[type]))
    report(['headers', type], 'takes application/x-www-form-urlencoded, since form is sent; take it out');
  if (kind === 'body' && !isJson(headers[type]))
    report(
      ['headers', type],
      'takes application/json or another type of JSON, since body is JSON; text sends other types',
    );
}
