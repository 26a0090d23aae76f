import { brotliDecompressSync, gunzipSync, inflateSync, zstdDecompressSync } from 'node:zlib';

/** An answer with a final status (RFC 9110: 200 and up). */
export interface Answer {
  /** 0 for what is no answer of HTTP/1.1. */
  readonly status: number;
  /** By names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

const decoders = {
  gzip: gunzipSync,
  deflate: inflateSync,
  br: brotliDecompressSync,
  zstd: zstdDecompressSync,
};

interface Received {
  /** The answer to HEAD, which has no body. */
  readonly isHead: boolean;
  /** Whether the server has closed the connection. */
  readonly closed: boolean;
}

/**
 * The first final answer in what was received, in Latin-1; undefined as long as it isn't whole. An event stream is as
 * soon as its headers are there.
 */
export function firstAnswer(received: string, isHead: boolean, closed: boolean): Answer | undefined {
  const end = received.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const [line = '', ...fields] = received.slice(0, end).split('\r\n');
  const rest = received.slice(end + 4);
  const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(line)?.[1] ?? 0);
  if (status === 0) return { status, headers: {}, body: received };
  if (status < 200) return firstAnswer(rest, isHead, closed);
  const headers = Object.fromEntries(
    fields.map((field) => {
      const colon = field.indexOf(':');
      return [field.slice(0, colon).toLowerCase(), field.slice(colon + 1).trim()];
    }),
  );
  const body = bodyOf(rest, { status, headers }, { isHead, closed });
  return body === undefined
    ? undefined
    : { status, headers, body: decoded(body, headers['content-encoding']) };
}

function bodyOf(
  rest: string,
  { status, headers }: Omit<Answer, 'body'>,
  { isHead, closed }: Received,
): string | undefined {
  if (isHead || status === 204 || status === 304) return '';
  if (headers['content-type']?.startsWith('text/event-stream') === true) return '';
  if (headers['transfer-encoding'] === 'chunked') {
    const chunks = unchunked(rest);
    return chunks.whole || closed ? chunks.text : undefined;
  }
  const length = headers['content-length'] === undefined ? Infinity : Number(headers['content-length']);
  return rest.length >= length || closed ? rest.slice(0, length) : undefined;
}

function unchunked(rest: string): { text: string; whole: boolean } {
  let text = '';
  for (let start = 0; ;) {
    const end = rest.indexOf('\r\n', start);
    if (end < 0) return { text, whole: false };
    const size = Number.parseInt(rest.slice(start, end), 16);
    if (size === 0) return { text, whole: true };
    text += rest.slice(end + 2, end + 2 + size);
    start = end + 2 + size + 2;
  }
}

/** A body in Latin-1, a character for a byte, as text. */
function decoded(body: string, encoding: string | undefined): string {
  const bytes = Buffer.from(body, 'latin1');
  if (encoding === undefined || body === '') return bytes.toString();
  return decoders[encoding as keyof typeof decoders](bytes).toString();
}
