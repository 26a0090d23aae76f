import type { JsonValue } from '../core/json.js';
import { timeOfId } from '../core/run-id.js';
import { answerOf } from './chat-piece.js';

/** The usage of an answer with so many tokens. Nobody counts the tokens of the question. Undefined where the number is unknown. */
export function usageOf(tokens: number | undefined): JsonValue | undefined {
  return tokens === undefined
    ? undefined
    : { prompt_tokens: 0, completion_tokens: tokens, total_tokens: tokens };
}

/** Members of every piece of an answer. */
export interface AboutAnswer {
  readonly id: string;
  /** In seconds since 1970. */
  readonly created: number;
  readonly model: string;
}

export function aboutAnswer(runId: string, model: string): AboutAnswer {
  return { id: `chatcmpl-${runId}`, created: Math.floor(timeOfId(runId) / 1000), model };
}

/** The chat completion for the result of a run. @param tokens the tokens that the sub-task has counted */
export function chatCompletion(about: AboutAnswer, result: JsonValue, tokens: number | undefined): object {
  const { choices, usage = usageOf(tokens) } = answerOf(result);
  return { ...about, object: 'chat.completion', choices, ...(usage && { usage }) };
}
