import type { RequestListener, ServerResponse } from 'node:http';
import { setImmediate as nextTurn } from 'node:timers/promises';

/** What upstreams stream: frames of an event stream, lines of JSON, or bytes as they are. */
export type Framing = 'sse' | 'ndjson' | 'bytes';

const CONTENT_TYPES: Readonly<Record<Framing, string>> = {
  sse: 'text/event-stream',
  ndjson: 'application/x-ndjson',
  bytes: 'text/plain; charset=utf-8',
};

/** A frame of an event stream. A text stands in it as it is, anything else as JSON. */
function sseFrame(data: unknown, event?: string): string {
  const lines = (typeof data === 'string' ? data : JSON.stringify(data)).split('\n');
  return `${event === undefined ? '' : `event: ${event}\n`}${lines.map((line) => `data: ${line}\n`).join('')}\n`;
}

const FRAMES: Readonly<Record<Framing, (piece: unknown) => string>> = {
  sse: sseFrame,
  ndjson: (piece) => `${JSON.stringify(piece)}\n`,
  bytes: String,
};

/** Opens a stream, sends its headers at once, and lets `send` do the rest. */
function streaming(framing: Framing, send: (response: ServerResponse) => unknown): RequestListener {
  return (_request, response) => {
    response.writeHead(200, { 'content-type': CONTENT_TYPES[framing] }).flushHeaders();
    void send(response);
  };
}

/** Writes, and resolves when more may be written: also when nobody takes it any more. */
async function write(response: ServerResponse, data: string | Buffer): Promise<void> {
  if (response.destroyed || response.write(data)) return;
  await new Promise<void>((resolve) => {
    const goOn = (): void => {
      response.off('drain', goOn).off('close', goOn);
      resolve();
    };
    response.on('drain', goOn).on('close', goOn);
  });
}

/** Each piece in a packet of its own, as far as TCP leaves it. */
async function writeEach(response: ServerResponse, pieces: readonly (string | Buffer)[]): Promise<void> {
  for (const piece of pieces) {
    await write(response, piece);
    await nextTurn();
  }
}

/** A stream that ends as it should, each piece for itself. @param end what is sent behind them */
export function pieces(
  all: readonly unknown[],
  { framing = 'sse', end = '' }: { readonly framing?: Framing; readonly end?: string } = {},
): RequestListener {
  return streaming(framing, async (response) => {
    await writeEach(response, all.map(FRAMES[framing]));
    response.end(end);
  });
}

/** A stream as OpenAI’s chat completions have it: the role, the texts, the reason of the end, perhaps the usage, and `[DONE]`. */
export function openAiStream(
  texts: readonly string[],
  { usage = false }: { readonly usage?: boolean } = {},
): RequestListener {
  const frame = (choices: readonly object[], more: object = {}) => ({
    id: 'chatcmpl-1',
    object: 'chat.completion.chunk',
    created: 1_700_000_000,
    model: 'imitation',
    choices,
    ...more,
  });
  const choice = (delta: object, finish_reason: string | null = null) => [{ index: 0, delta, finish_reason }];
  const completion_tokens = texts.length;
  const counted = { prompt_tokens: 3, completion_tokens, total_tokens: 3 + completion_tokens };
  return pieces(
    [
      frame(choice({ role: 'assistant', content: '' })),
      ...texts.map((content) => frame(choice({ content }))),
      frame(choice({}, 'stop')),
      ...(usage ? [frame([], { usage: counted })] : []),
    ],
    { end: sseFrame('[DONE]') },
  );
}

/** What real upstreams do to a stream on a bad day. */
export const streamFaults = {
  /** A byte at a time, so that every frame and every character comes in parts. */
  drip: (all: readonly unknown[], framing: Framing = 'sse'): RequestListener =>
    streaming(framing, async (response) => {
      const sent = Buffer.from(all.map(FRAMES[framing]).join(''));
      await writeEach(
        response,
        Array.from(sent, (_byte, at) => sent.subarray(at, at + 1)),
      );
      response.end();
    }),

  /** Sends its headers, and goes to sleep. */
  stallBefore: (framing: Framing = 'sse'): RequestListener => streaming(framing, () => undefined),

  /** Sends some pieces, and goes to sleep. */
  stallAfter: (all: readonly unknown[], framing: Framing = 'sse'): RequestListener =>
    streaming(framing, (response) => writeEach(response, all.map(FRAMES[framing]))),

  /** Answers 200, and then says that it can't: as a frame of the type `error`. */
  errorFrameFirst: (message: string): RequestListener =>
    streaming('sse', (response) => response.end(sseFrame({ error: { message } }, 'error'))),

  /** The same as a frame or a line like any other, as OpenAI has it; some pieces may come before. */
  errorFrame: (message: string, before: readonly unknown[] = [], framing: Framing = 'sse'): RequestListener =>
    pieces([...before, { error: { message, type: 'server_error' } }], { framing }),

  /** Answers 200, and ends. */
  empty: (framing: Framing = 'sse'): RequestListener => pieces([], { framing }),

  /** Has frames, and nothing in any of them: a comment, those pieces, and `[DONE]`. */
  hollow: (all: readonly unknown[]): RequestListener =>
    streaming('sse', (response) =>
      response.end(`: nothing yet\n\n${all.map((piece) => sseFrame(piece)).join('')}${sseFrame('[DONE]')}`),
    ),

  /** Cuts between the bytes of one character; the text is whole when they are put together. */
  splitCharacters: (text: string, framing: Framing = 'sse'): RequestListener =>
    streamFaults.drip([text], framing),

  /** Has bytes that are no UTF-8, behind a piece that is fine. */
  brokenUtf8: (before: string): RequestListener =>
    streaming('sse', async (response) => {
      const broken = Buffer.concat([Buffer.from('data: '), Buffer.from([0xe2, 0x82]), Buffer.from('\n\n')]);
      await writeEach(response, [sseFrame(before), broken]);
      response.end();
    }),

  /** One piece of so many bytes. */
  hugeChunk: (megabytes: number, framing: Framing = 'sse'): RequestListener =>
    pieces(['x'.repeat(megabytes * 2 ** 20)], { framing }),

  /** A frame that never ends. */
  endlessFrame: streaming('sse', async (response) => {
    await write(response, 'data: ');
    while (!response.destroyed) await write(response, 'x'.repeat(65_536));
  }),

  /** Numbered pieces, as fast as they are taken, without end. @param made told of each, so that a test sees what was taken */
  endless: (made: (index: number) => void = () => undefined, framing: Framing = 'sse'): RequestListener =>
    streaming(framing, async (response) => {
      for (let index = 0; !response.destroyed; index += 1) {
        made(index);
        await write(response, FRAMES[framing](`${index} `.padEnd(1_000, '.')));
        await nextTurn();
      }
    }),

  /** Sends some pieces, and resets the connection once they have arrived: what is on its way would be lost with it. */
  resetMidway: (
    all: readonly unknown[],
    arrived: Promise<unknown>,
    framing: Framing = 'sse',
  ): RequestListener =>
    streaming(framing, async (response) => {
      await writeEach(response, all.map(FRAMES[framing]));
      await arrived;
      response.socket?.resetAndDestroy();
    }),

  /** Says how long it is, and ends before. */
  cutShort: (all: readonly unknown[]): RequestListener => {
    const body = all.map((piece) => sseFrame(piece)).join('');
    return ({ socket }) => {
      socket.end(
        `HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: ${body.length + 100}\r\n\r\n${body}`,
      );
    };
  },
};
