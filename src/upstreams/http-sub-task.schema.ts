import bytes from 'bytes';
import { z } from 'zod';
import { hostMistake } from './address-guard.js';
import { answerFields } from './answer.schema.js';
import { hasVariableOrigin, urlTemplate } from './environment-url.js';
import { headerNameMistake, HeaderTemplate } from './header-template.js';
import { checkForwarded, forwardHeadersSchema } from './forwarded-headers.schema.js';
import { bodyFields, checkBodies, finalSchema } from './request.schema.js';
import { hasPointer } from './result-template.js';
import { checkStream, streamFields } from './stream.schema.js';

export const DEFAULT_MAX_RESPONSE = '1mb';

const MOST_BYTES = 100 * 2 ** 20;

const SIZE_FORM = 'takes a size such as 512b, 100kb or 1mb, at most 100mb';

/** Makes a check that reports the error of `parse` as an issue. */
function fits(parse: (value: never) => unknown) {
  return (value: unknown, context: z.RefinementCtx): void => {
    try {
      parse(value as never);
    } catch (error) {
      context.addIssue({ code: 'custom', message: (error as Error).message });
    }
  };
}

const urlSchema = z
  .string()
  .max(8_000)
  .superRefine(fits((url: string) => urlTemplate(url)))
  .meta({
    description:
      'A literal scheme, host and port, then a path and query in which the members of the run’s input stand as RFC 6570 templates: {id}, {?page,size}, {/path*}. What the input brings is percent-encoded; it changes neither the host nor the number of segments. {+name} leaves reserved characters as they are, "/" included, but for "?", "#" and "&". ${NAME} is an environment variable: as it is in the host and port or at the very beginning, percent-encoded behind; its value is never logged or kept.',
    examples: [
      'https://api.example.com/customers/{id}/orders{?page,size}',
      '${API_URL}/v1/{id}{?page}&key=${API_KEY}',
    ],
  });

const headersSchema = z
  .record(z.string(), z.string().max(8_000))
  .superRefine((headers, context) => {
    const seen = new Set<string>();
    for (const [name, text] of Object.entries(headers)) {
      const report = (message: string) => context.addIssue({ code: 'custom', path: [name], message });
      const mistake =
        headerNameMistake(name) ?? (seen.has(name.toLowerCase()) ? `${name} is there twice` : undefined);
      if (mistake !== undefined) report(mistake);
      seen.add(name.toLowerCase());
      try {
        HeaderTemplate.parse(text);
      } catch (error) {
        report((error as Error).message);
      }
    }
  })
  .meta({
    description:
      'Headers of the request. ${NAME} is an environment variable, for secrets: its value is never logged or kept. {name} is a member of the run’s input, percent-encoded, {+name} the same as it is, {header.accept-language} a header of the request that started the run; a header of which one is missing is left out. "{{" and "}}" are literal braces. Unless named here, Accept, Accept-Encoding, User-Agent and, for methods other than GET and HEAD, Idempotency-Key, the same for all attempts, and traceparent, a new span for each, are sent.',
    examples: [{ Authorization: 'Bearer ${API_TOKEN}', 'X-Tenant': '{tenant}' }],
  });

/** The members of a sub-task that calls an upstream. The tasks file adds those that every sub-task has. */
const requestFields = z.strictObject({
  url: urlSchema,
  method: z
    .enum(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'])
    .optional()
    .meta({ description: 'Default GET.', examples: ['POST'] }),
  headers: headersSchema.optional(),
  forwardHeaders: forwardHeadersSchema.optional(),
  ...bodyFields,
  ...answerFields,
  ...streamFields,
  allowPrivate: z
    .boolean()
    .optional()
    .meta({
      description:
        'Whether this origin may have an address that is not on the public internet: private, loopback, link-local. Default false.',
      examples: [true],
    }),
  final: finalSchema.optional(),
  redirects: z
    .array(
      z
        .string()
        .refine(isOrigin, 'takes an origin of http or https without a path, such as https://cdn.example.com'),
    )
    .optional()
    .meta({
      description:
        'Other origins that redirects may lead to, with the headers that name no environment variable and no header of the caller, and the body. Default: none but its own.',
      examples: [['https://cdn.example.com']],
    }),
  maxResponse: z
    .string()
    .regex(/^\d{1,9}(?:\.\d+)?\s*(?:b|kb|mb)?$/i, SIZE_FORM)
    .refine((text) => {
      const size = bytes.parse(text) ?? 0;
      return size > 0 && size <= MOST_BYTES;
    }, SIZE_FORM)
    .optional()
    .meta({
      description: `How large a body may be, both on the wire and decompressed; of a stream, how large a frame. Default ${DEFAULT_MAX_RESPONSE}. MAX_RESULT_BYTES bounds what of it is kept.`,
      examples: ['200kb'],
    }),
});

export type HttpRequestOptions = Readonly<z.infer<typeof requestFields>>;

/** Checks members against each other. */
function checkTogether(options: HttpRequestOptions, context: z.RefinementCtx): void {
  const { url, method, expect, as, result, allowPrivate = false } = options;
  const report = (path: readonly PropertyKey[], message: string) => {
    context.addIssue({ code: 'custom', path: [...path], message });
  };
  const mistake = allowPrivate || hasVariableOrigin(url) ? undefined : hostMistake(hostOf(url));
  if (mistake !== undefined) report(['url'], mistake);
  checkBodies(options, report);
  checkForwarded(options, report);
  checkStream(options, report);
  if ((as === 'text' || as === 'base64') && hasPointer(result))
    report(['result'], `leads into JSON, but the body is read as ${as}; take as out, or write as: json`);
  if (method !== 'HEAD') return;
  const mend = 'the response to HEAD has no body; take it out, or write method: GET';
  if (hasPointer(result)) report(['result'], mend);
  if (as !== undefined) report(['as'], mend);
  if (expect?.body !== undefined) report(['expect', 'body'], mend);
}

function isOrigin(text: string): boolean {
  const origin = URL.parse(text)?.origin ?? '';
  return /^https?:/.test(origin) && origin === text.toLowerCase().replace(/\/$/, '');
}

/** The host of a URL, with an IP address in its usual form; empty when there is none. */
function hostOf(url: string): string {
  try {
    return urlTemplate(url).hostname;
  } catch {
    return '';
  }
}

/** The options of an {@link HttpSubTask}, to be extended with `safeExtend`; each issue's path leads to the member that is wrong. */
export const httpRequestSchema = requestFields.superRefine(checkTogether);
