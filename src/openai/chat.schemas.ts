import { z } from 'zod';
import { EXAMPLE_RUN_ID } from '../core/run.js';

/** Describes the answers for clients of OpenAI in the OpenAPI document. */

const usageSchema = z
  .looseObject({
    prompt_tokens: z.int().meta({ description: '0 where no upstream says it.' }),
    completion_tokens: z.int(),
    total_tokens: z.int(),
  })
  .meta({
    id: 'ChatUsage',
    description: 'There where an upstream, or the sub-task, says how many tokens there were.',
  });

const about = {
  id: z.string().meta({ description: '`chatcmpl-` and the id of the run.' }),
  created: z.int().meta({ description: 'When the run was started, in seconds since 1970.' }),
  model: z.string().meta({ description: 'As the request has it; without, the name of the task.' }),
};

const example = { id: `chatcmpl-${EXAMPLE_RUN_ID}`, created: 1764547200, model: 'any' };

export const chatCompletionSchema = z
  .object({
    ...about,
    object: z.literal('chat.completion'),
    choices: z.array(
      z.looseObject({
        index: z.int(),
        message: z.looseObject({ role: z.string(), content: z.string().nullish() }),
        finish_reason: z.string().nullish(),
      }),
    ),
    usage: usageSchema.exactOptional(),
  })
  .meta({
    id: 'ChatCompletion',
    examples: [
      {
        ...example,
        object: 'chat.completion',
        choices: [
          {
            index: 0,
            message: { role: 'assistant', content: 'Good day.', refusal: null },
            logprobs: null,
            finish_reason: 'stop',
          },
        ],
        usage: { prompt_tokens: 0, completion_tokens: 3, total_tokens: 3 },
      },
    ],
  });

const CHUNK = { ...example, object: 'chat.completion.chunk' };
const choice = { index: 0, delta: { content: 'Good day.' }, logprobs: null, finish_reason: null };

/** Either form of an answer. */
export const chatContent = {
  'application/json': { schema: { $ref: '#/components/schemas/ChatCompletion' } },
  'text/event-stream': {
    schema: { type: 'string' as const },
    example: `data: ${JSON.stringify({ ...CHUNK, choices: [choice] })}\n\ndata: [DONE]\n\n`,
  },
};

export const modelListSchema = z
  .object({
    object: z.literal('list'),
    data: z.array(
      z.object({ id: z.string(), object: z.literal('model'), created: z.int(), owned_by: z.string() }),
    ),
  })
  .meta({
    id: 'ModelList',
    examples: [
      { object: 'list', data: [{ id: 'chat', object: 'model', created: 0, owned_by: 'frontrunner' }] },
    ],
  });

export const openAiErrorSchema = z
  .object({
    error: z.object({
      message: z.string().meta({ description: 'What is wrong, and where.' }),
      type: z.string().meta({ description: 'What kind of error it is to clients of OpenAI.' }),
      param: z.string().nullable().meta({ description: 'The member of the request that is wrong.' }),
      code: z.string().meta({ description: 'The kind of problem: `/problems/<code>` is a page about it.' }),
    }),
  })
  .meta({
    id: 'OpenAiError',
    description: 'An error in OpenAI’s shape.',
    examples: [
      {
        error: {
          message: 'messages: Invalid input: expected array, received undefined',
          type: 'invalid_request_error',
          param: 'messages',
          code: 'invalid-request',
        },
      },
    ],
  });
