import { z } from 'zod';

/** The members of a chat completion request that the service itself reads. Sub-tasks get the whole request. */
export const chatRequestSchema = z
  .looseObject({
    model: z
      .string()
      .min(1)
      .exactOptional()
      .meta({ description: 'What the answer says too. Which models are asked, the sub-tasks say.' }),
    messages: z
      .array(z.looseObject({ role: z.string() }))
      .min(1)
      .meta({ description: 'What was said so far, the oldest first.' }),
    stream: z.boolean().nullish().meta({ description: 'Whether the answer comes in pieces. Default false.' }),
    stream_options: z
      .looseObject({
        include_usage: z
          .boolean()
          .nullish()
          .meta({ description: 'Whether a last chunk has `usage`. Default false.' }),
      })
      .nullish(),
    n: z.literal(1, { error: 'takes 1: there is one answer' }).nullish(),
  })
  .meta({
    id: 'ChatRequest',
    description:
      'A request for a chat completion as OpenAI has it. All of it is the input of the run: `temperature`, `tools` and so on are there too.',
    examples: [{ model: 'any', messages: [{ role: 'user', content: 'Hello?' }], stream: true }],
  });

export type ChatRequest = z.infer<typeof chatRequestSchema>;
