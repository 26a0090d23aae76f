import { z } from 'zod';

/** A further API that serves a task, besides `POST /tasks/<name>/runs`. */
export const faceSchema = z.enum(['openai-chat'], { error: 'takes openai-chat' }).meta({
  id: 'Face',
  description:
    '`openai-chat`: clients of OpenAI’s chat completions call it too, with the base URL `/openai/<task>/v1`. Default: none.',
  examples: ['openai-chat'],
});

export type Face = z.infer<typeof faceSchema>;
