import OpenAI, { APIError } from 'openai';

export const MESSAGES = [{ role: 'user' as const, content: 'Hello?' }];

/** A client of OpenAI for a task of a service. It tries nothing twice. */
export function openAi({ url }: { readonly url: string }, task: string, apiKey = 'none'): OpenAI {
  return new OpenAI({ baseURL: `${url}/openai/${task}/v1`, apiKey, maxRetries: 0 });
}

/** What a client throws of a request. */
export async function refusal(answer: PromiseLike<unknown>): Promise<APIError> {
  const error = await Promise.resolve(answer).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof APIError) return error;
  throw new Error('It was not refused', { cause: error });
}
