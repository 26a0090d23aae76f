import compression from 'compression';
import type { Response } from 'express';
import type { ConnectionMemory } from './connection-memory.js';

/** Smaller texts cost more to compress than they save. */
const COMPRESSED_FROM_BYTES = 1_024;

/** Smaller texts are not counted while they wait to be sent. */
const COUNTED_FROM_BYTES = 16 * 2 ** 10;

/** Compresses answers of compressible types, if the request accepts that. Not for event streams, because it would hold events back. */
export const compressed = compression({ threshold: COMPRESSED_FROM_BYTES });

/**
 * Ends a response with a text, usually JSON. A large text is compressed. Avoids the detours of Express's own `send`.
 *
 * @param memory counts the text until it is sent. Default: not counted, because it is small
 */
export function sendJson(response: Response, text: string, memory?: ConnectionMemory): void {
  const { req: request } = response;
  const bytes = Buffer.byteLength(text);
  const large = bytes > COMPRESSED_FROM_BYTES;
  if (large) compressed(request, response, () => undefined);
  // A HEAD request must not be told a length that GET, which compresses, wouldn't have (RFC 9110, 8.6).
  if (!(large && request.method === 'HEAD' && request.headers['accept-encoding'] !== undefined))
    response.setHeader('Content-Length', bytes);
  response.end(text);
  if (bytes > COUNTED_FROM_BYTES && !response.writableFinished) memory?.hold(response, bytes);
}
