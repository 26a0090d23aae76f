import type { JsonValue } from '../core/json.js';
import { assembled, isFrame, type Frame } from './chat-frames.js';

/** A choice of a chunk. */
export function choiceOf(delta: JsonValue, finishReason: string | null = null) {
  return { index: 0, delta, logprobs: null, finish_reason: finishReason };
}

/** The frame of a chunk: a frame of an OpenAI-shaped upstream stays as it is, a text becomes a piece of the answer, anything else its JSON. */
export function pieceOf(chunk: JsonValue): Frame {
  return isFrame(chunk) ? chunk : { choices: [choiceOf({ content: textOf(chunk) })] };
}

/** The answer of a result: an answer of an OpenAI-shaped upstream stays as it is, frames are put together, and others become a text. */
export function answerOf(result: JsonValue): Frame {
  if (isFrame(result)) return result;
  if (Array.isArray(result) && result.length > 0 && (result as JsonValue[]).every(isFrame))
    return assembled(result);
  const message = { role: 'assistant', content: textOf(result), refusal: null };
  return { choices: [{ index: 0, message, logprobs: null, finish_reason: 'stop' }] };
}

function textOf(value: JsonValue): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
