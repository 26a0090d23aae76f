import { parseJson } from '../core/exact-json.js';
import type { JsonValue } from '../core/json.js';
import type { SubTaskContext } from '../core/sub-task.js';
import type { ExpressionThread } from '../expressions/expression-thread.js';
import { bytesDecoder } from './bytes-decoder.js';
import { compileChunk } from './chunk-reader.js';
import { EXCERPT_BYTES } from './excerpt.js';
import { FrameError, type Frame, type FrameDecoder } from './frame-decoder.js';
import type { HttpRequestOptions } from './http-sub-task.schema.js';
import { NdjsonDecoder } from './ndjson-decoder.js';
import { SseDecoder } from './sse-decoder.js';
import type { StreamKind } from './stream.schema.js';
import type { StreamedBody } from './streamed-body.js';
import { TokenCount } from './token-count.js';
import { UnfitResponse, type UpstreamResponse } from './upstream-response.js';

/** What an attempt has to do with its stream. */
interface Reader {
  readonly input: unknown;
  readonly signal: AbortSignal;
  readonly context: Pick<SubTaskContext, 'tokens'>;
}

/** A response that was accepted, and what an error that it ends with is told as. */
interface Opened {
  readonly response: UpstreamResponse;
  readonly body: StreamedBody;
  readonly failureOf: (error: unknown) => unknown;
}

/** Brings the chunks of a response, one at a time as they are asked for; the first one asks for the response. */
type ChunksOf = (open: () => Promise<Opened>, reader: Reader) => AsyncGenerator<JsonValue>;

/** @param maxBytes how large a frame may be */
export function compileChunks(
  kind: StreamKind,
  { chunk, end }: HttpRequestOptions,
  thread: ExpressionThread,
  maxBytes: number,
): ChunksOf {
  const chunkOf = chunk === undefined ? undefined : compileChunk(chunk, thread, maxBytes);
  const isJson = kind === 'ndjson' || chunk !== undefined;
  return async function* (open, { input, signal, context }) {
    const { response, body, failureOf } = await open();
    const tokens = new TokenCount(context);
    try {
      const decoder = decoderOf(kind, response, maxBytes);
      for (;;) {
        const { value: piece } = await body.next();
        for (const frame of piece ? decoder.write(piece) : decoder.end()) {
          if (frame.text === end) {
            body.leaveAtEnd();
            return;
          }
          const value = kind === 'bytes' ? frame.text : valueOf(frame, isJson);
          refuseError(frame, value);
          const shown = isJson ? value : frame.text;
          const found = chunkOf ? await chunkOf(shown, frame, { response, input, signal }) : shown;
          const brings = found !== undefined && !(chunkOf && found === null);
          tokens.count(value, brings && found !== '');
          if (brings) yield found;
        }
        if (!piece) break;
      }
      if (end !== undefined)
        throw new UnfitResponse(`its stream broke off: it ended without ${JSON.stringify(end)}`, response);
    } catch (error) {
      throw failureOf(error instanceof FrameError ? unfit(error, response) : error);
    } finally {
      void body.return();
    }
  };
}

function unfit(error: FrameError, { status }: UpstreamResponse): UnfitResponse {
  const excerpt = Buffer.from(error.frame.slice(0, EXCERPT_BYTES));
  return new UnfitResponse(error.message, { status, headers: {}, body: excerpt });
}

function decoderOf(kind: StreamKind, { headers }: UpstreamResponse, maxBytes: number): FrameDecoder {
  if (kind === 'bytes') return bytesDecoder(headers['content-type']);
  return kind === 'sse' ? new SseDecoder(maxBytes) : new NdjsonDecoder(maxBytes);
}

/** What a frame is as JSON. @param must whether it has to be some; else what is none is a text, and so is what is no object */
function valueOf(frame: Frame, must: boolean): JsonValue {
  const { text } = frame;
  if (!must && !text.startsWith('{')) return text;
  try {
    return parseJson(text) as JsonValue;
  } catch {
    if (!must || frame.event === 'error') return text;
    throw new FrameError(
      'a frame of its stream is no JSON; end names the text of a frame that ends the stream, such as "[DONE]"',
      text,
    );
  }
}

/** @throws {FrameError} for a frame that says that the stream failed */
function refuseError({ event, text }: Frame, value: JsonValue): void {
  const { error } = (typeof value === 'object' && value !== null ? value : {}) as {
    readonly error?: JsonValue;
  };
  const says = typeof error === 'string' ? error !== '' : typeof error === 'object' && error !== null;
  if (says || event === 'error') throw new FrameError('its stream says that it failed', text);
}
