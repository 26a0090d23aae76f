import type { JsonValue } from '../core/json.js';
import type { RunRecord } from '../core/run-record.js';
import type { DomainError } from '../core/domain-error.js';
import type { ChunkMessage, ReplyMessage } from '../feed/stream-messages.js';
import type { StreamVoice } from '../feed/stream-voice.js';
import { problem } from '../http/problems.js';
import type { Answer } from '../tasks/started-run.js';
import { usageOf, type AboutAnswer } from './chat-answer.js';
import { answerOf, choiceOf, pieceOf } from './chat-piece.js';
import { openAiError } from './openai-error.js';

interface Options {
  /** Whether the last chunk has `usage`, where the usage is known. */
  readonly includeUsage: boolean;
  /** How many tokens the sub-task of an answer has counted. */
  readonly tokensOf: (answer: Answer) => Promise<number | undefined>;
  /** The run when the answer begins, where an earlier request started it: the reader doesn't get chunks that are void already. */
  readonly past: Pick<RunRecord, 'lead' | 'lastEventId'> | undefined;
}

/** The error for a client of OpenAI when a run begins anew: earlier chunks can’t be taken back. */
const RESTARTED = openAiError(
  problem(
    'stream-restarted',
    'The stream broke off, and the run goes on from scratch; send the request again with its Idempotency-Key for what that brings',
    {},
  ),
);

/** The stream of a run in the form of OpenAI's chat completions: chunks, and `[DONE]` at the end. */
export class ChatVoice implements StreamVoice {
  readonly opening = '';
  readonly waits = true;
  isOver = false;
  private begun = false;
  private finished = false;
  private usage: JsonValue | undefined;

  constructor(
    private readonly about: AboutAnswer,
    private readonly options: Options,
  ) {}

  chunk(message: ChunkMessage): string {
    if (this.isVoid(message)) return '';
    return this.role() + message.chunks.map((chunk) => this.piece(chunk)).join('');
  }

  /** If no chunk was shown yet, the answer goes on. */
  restart(): string {
    this.isOver = this.begun;
    return this.begun ? dataOf(RESTARTED) : '';
  }

  async reply(_message: ReplyMessage, answer: Answer): Promise<string> {
    const tokens = this.options.includeUsage ? await this.options.tokensOf(answer) : undefined;
    const whole = this.begun ? '' : this.role() + this.whole(answer.result);
    const end = this.finished ? '' : this.frame([choiceOf({}, 'stop')]);
    const usage = this.usage ?? usageOf(tokens);
    const cost = this.options.includeUsage && usage ? this.frame([], usage) : '';
    return `${whole}${end}${cost}data: [DONE]\n\n`;
  }

  /** Without `[DONE]`, so that nobody takes the answer for complete. */
  error(_message: ReplyMessage | undefined, { code, message, details }: DomainError): string {
    return dataOf(openAiError(problem(code, message, {}, details)));
  }

  private role(): string {
    if (this.begun) return '';
    this.begun = true;
    return this.frame([choiceOf({ role: 'assistant', content: '' })]);
  }

  private piece(chunk: JsonValue): string {
    if (chunk === '') return '';
    const { choices, usage } = pieceOf(chunk);
    this.usage = usage ?? this.usage;
    if (choices.length === 0) return '';
    this.finished ||= choices.some((choice) => (choice.finish_reason ?? null) !== null);
    return this.frame(choices);
  }

  private whole(result: JsonValue): string {
    const { choices, usage } = answerOf(result);
    this.usage = usage;
    this.finished = true;
    return this.frame(choices.map(({ message, ...choice }) => ({ ...choice, delta: message ?? {} })));
  }

  private frame(choices: readonly JsonValue[], usage: JsonValue = null): string {
    const { includeUsage } = this.options;
    return dataOf({
      ...this.about,
      object: 'chat.completion.chunk',
      choices,
      ...(includeUsage && { usage }),
    });
  }

  private isVoid({ id, subTask, attempt }: ChunkMessage): boolean {
    const { lead, lastEventId = 0 } = this.options.past ?? {};
    if (!lead || id > lastEventId) return false;
    return lead.broken || lead.subTask !== subTask || lead.attempt !== attempt;
  }
}

function dataOf(value: object): string {
  return `data: ${JSON.stringify(value)}\n\n`;
}
