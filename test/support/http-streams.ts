import type { ServerResponse } from 'node:http';
import type { RequestListener } from 'node:http';

/** What an upstream has sent of a stream, so that a test says what comes next. */
export interface SentStream {
  readonly response: ServerResponse;
  /** Resolves when it is handed to the connection, or the connection is closed. */
  readonly send: (piece: string | Buffer) => Promise<void>;
}

/** Answers 200, and lets the test send the body of each answer. @param opened takes the streams in the order of their requests */
export function streaming(
  opened: (stream: SentStream) => void,
  headers: Readonly<Record<string, string>> = { 'content-type': 'text/event-stream' },
  status = 200,
): RequestListener {
  return (_request, response) => {
    response.writeHead(status, headers);
    response.flushHeaders();
    opened({
      response,
      send: (piece) =>
        new Promise((resolve) => {
          response.write(piece, () => resolve());
        }),
    });
  };
}

/** Answers with all of a body, in the pieces given. */
export function stream(
  pieces: readonly (string | Buffer)[],
  headers: Readonly<Record<string, string>> = { 'content-type': 'text/event-stream' },
): RequestListener {
  return streaming(({ response, send }) => {
    void (async () => {
      for (const piece of pieces) await send(piece);
      response.end();
    })();
  }, headers);
}
