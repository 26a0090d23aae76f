import fc from 'fast-check';

type Header = readonly [name: string, value: string];

/** A request as it goes over the wire; its texts are Latin-1, a character for a byte. */
export interface RequestParts {
  readonly method: string;
  readonly target: string;
  readonly version: string;
  readonly headers: readonly Header[];
  readonly body: Buffer;
}

/** How far a request is from what the document asks for. */
export type Kind = 'valid' | 'nearly valid' | 'hostile';

const LONGEST_PRINTED = 1_500;

/** The bytes of a request, and how they are sent. */
export class WireRequest {
  constructor(
    readonly kind: Kind,
    readonly bytes: Buffer,
    /** Whether the bytes are a whole request by any reading, so that there must be an answer. */
    readonly whole: boolean,
    /** Into how many pieces it is cut, and how long each waits for the next. */
    readonly pieces = 1,
    readonly pauseMs = 0,
  ) {}

  /** The first words of the request line; undefined where there is none to speak of. */
  get line(): { method: string; path: string } | undefined {
    const [, method, target] =
      /^([A-Z-]+) (\S+) HTTP\/1\.[01]\r\n/.exec(this.bytes.toString('latin1', 0, 20_000)) ?? [];
    if (method === undefined || target === undefined) return undefined;
    return { method, path: target.replace(/^https?:\/\/[^/?[]+(?=[/?]|$)/i, '').split('?', 1)[0]! };
  }

  /** How fast-check shows it: a line for the shell that sends it again. */
  [fc.toStringMethod](): string {
    const escaped = this.bytes
      .toString('latin1')
      .replaceAll(
        /[^ -&(-[\]-~]/g,
        (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`,
      )
      .replaceAll('\\x0d\\x0a', '\\r\\n')
      .replaceAll('%', '%%');
    const cut =
      escaped.length > LONGEST_PRINTED
        ? `${escaped.slice(0, LONGEST_PRINTED)}… (${this.bytes.length} bytes)`
        : escaped;
    return `printf '${cut}' | nc -q 2 127.0.0.1 3000 # ${this.kind}, ${this.pieces} pieces`;
  }
}

/** With the headers that say where the request ends, and that it is the only one. */
export function bytesOf({ method, target, version, headers, body }: RequestParts): Buffer {
  const all: Header[] = [['Host', 'localhost'], ['Connection', 'close'], ...headers];
  if (body.length > 0) all.push(['Content-Length', String(body.length)]);
  const lines = all.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  return Buffer.concat([Buffer.from(`${method} ${target} ${version}\r\n${lines}\r\n`, 'latin1'), body]);
}
