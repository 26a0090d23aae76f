import { z } from 'zod';
import { durationSchema } from '../core/duration.js';
import { expressionMistake, expressionOf } from '../expressions/expression.js';
import { resultMistakes } from './result-template.js';

/** The ways to split a body into frames. */
const STREAM_KINDS = ['sse', 'ndjson', 'bytes'] as const;

export type StreamKind = (typeof STREAM_KINDS)[number];

const waitSchema = durationSchema.refine((text) => !/^[0.]+ ?[a-z]+$/i.test(text), 'takes more than 0');

/** The members of a sub-task that define a stream. */
export const streamFields = {
  stream: z
    .enum(STREAM_KINDS)
    .optional()
    .meta({
      description:
        'That the answer comes in pieces, which race and are shown to callers as they come. What a piece is: sse, the data of an event of text/event-stream; ndjson, a line of JSON; bytes, what the connection brings: a text where the Content-Type is a text or JSON, base64 otherwise, whose texts together are the base64 of the whole. Default: the answer is read whole.',
      examples: ['sse'],
    }),
  chunk: z
    .string()
    .max(8_000)
    .superRefine((chunk, context) => {
      for (const { message } of resultMistakes(chunk)) context.addIssue({ code: 'custom', message });
    })
    .optional()
    .meta({
      description:
        'What of a frame counts: a JSON Pointer, or an expression in JSONata between {% and %}, with $input, $status and $headers. The data of each event is read as JSON then. A frame that has it not, or null there, brings nothing. Default: the data of an event as a text; the whole of a line.',
      examples: ['/choices/0/delta/content', "{% type = 'text' ? value %}"],
    }),
  end: z
    .string()
    .min(1)
    .max(1_000)
    .optional()
    .meta({
      description:
        'The text of the frame that ends the stream. A stream that ends without it has broken off. Default: it ends with the answer.',
      examples: ['[DONE]'],
    }),
  wins: z
    .string()
    .max(8_000)
    .superRefine((wins, context) => {
      const source = expressionOf(wins);
      const message =
        source === undefined
          ? 'takes an expression in JSONata such as {% $length($trim($)) > 0 %}'
          : expressionMistake(source, []);
      if (message !== undefined) context.addIssue({ code: 'custom', message });
    })
    .optional()
    .meta({
      description:
        'An expression in JSONata between {% and %} that is true of a chunk, which is its context, that is worth winning with: the first of all sub-tasks decides whose stream callers are shown. Default: every chunk but null, "", {} and [].',
      examples: ['{% $length($trim($)) > 0 %}'],
    }),
  firstChunk: waitSchema.optional().meta({
    description: 'How long an attempt may take until its first chunk that wins. Default: as long as timeout.',
    examples: ['2s'],
  }),
  idle: waitSchema.optional().meta({
    description: 'The longest wait for each further chunk. Default 10s.',
    examples: ['5s'],
  }),
};

type StreamOptions = { readonly [Name in keyof typeof streamFields]?: unknown } & {
  readonly method?: string | undefined;
  readonly as?: unknown;
  readonly result?: unknown;
  readonly expect?: { readonly body?: unknown; readonly when?: unknown } | undefined;
};

/** Checks a stream's members against the other members of its sub-task. */
export function checkStream(
  options: StreamOptions,
  report: (path: readonly string[], message: string) => void,
): void {
  const { stream, method, expect } = options;
  if (stream === undefined) {
    for (const name of ['chunk', 'end', 'wins', 'firstChunk', 'idle'] as const)
      if (options[name] !== undefined)
        report([name], 'is for streams; write stream: sse, ndjson or bytes, or take it out');
    return;
  }
  const whole = 'reads the whole answer, and a stream has none';
  if (options.result !== undefined)
    report(['result'], `${whole}; take it out: chunk says what of each frame counts`);
  if (options.as !== undefined) report(['as'], `${whole}; take it out: stream says what its pieces are`);
  for (const name of ['body', 'when'] as const)
    if (expect?.[name] !== undefined) report(['expect', name], `${whole}; take it out`);
  if (method === 'HEAD')
    report(['stream'], 'the response to HEAD has no body; take it out, or write method: GET');
  if (stream !== 'bytes') return;
  for (const name of ['chunk', 'end'] as const)
    if (options[name] !== undefined)
      report([name], 'is for frames, and bytes have none; write stream: sse or ndjson, or take it out');
}
