import type { JsonValue } from '../core/json.js';
import type { SubTaskContext } from '../core/sub-task.js';

/** A frame of a language model's stream, in the format of OpenAI. */
interface CompletionFrame {
  readonly choices?: unknown;
  readonly usage?: { readonly completion_tokens?: unknown } | null;
}

/**
 * Counts the tokens of a stream in the format of OpenAI: the number that the stream reports, or else one for each chunk. Other streams
 * have no count.
 */
export class TokenCount {
  private isSaid = false;

  constructor(private readonly context: Pick<SubTaskContext, 'tokens'>) {}

  /** @param brings whether the frame has a piece of the answer */
  count(frame: JsonValue, brings: boolean): void {
    if (typeof frame !== 'object' || frame === null) return;
    const { choices, usage } = frame as CompletionFrame;
    const said = usage?.completion_tokens;
    if (Number.isSafeInteger(said) && (said as number) >= 0) {
      this.isSaid = true;
      this.context.tokens = said as number;
    } else if (!this.isSaid && brings && Array.isArray(choices)) {
      this.context.tokens = (this.context.tokens ?? 0) + 1;
    }
  }
}
