import type { JsonValue } from '../core/json.js';
import { timeOfId } from '../core/run-id.js';
import { answerOf } from './chat-piece.js';

/** How many tokens there were, as OpenAI says it. */
export interface Usage {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly total_tokens: number;
}

/** Of the tokens of an answer; nobody counts those of its question. Undefined where they are not known either. */
export function usageOf(tokens: number | undefined): Usage | undefined {
  return tokens === undefined
    ? undefined
    : { prompt_tokens: 0, completion_tokens: tokens, total_tokens: tokens };
}

/** What every piece of an answer says. */
export function aboutAnswer(runId: string, model: string) {
  return { id: `chatcmpl-${runId}`, created: Math.floor(timeOfId(runId) / 1000), model };
}

/** The answer that the result of a run is. @param tokens that its sub-task has counted */
export function chatCompletion(
  about: ReturnType<typeof aboutAnswer>,
  result: JsonValue,
  tokens: number | undefined,
) {
  const { choices, usage = usageOf(tokens) } = answerOf(result);
  return { ...about, object: 'chat.completion', choices, ...(usage && { usage }) };
}
