import type { Transform } from 'node:stream';
import { createBrotliDecompress, createGunzip } from 'node:zlib';
import { Inflate } from './inflate.js';

/** What is said in `Accept-Encoding`. */
export const ACCEPTED_ENCODINGS = 'gzip, br, deflate';

/** How many encodings may be stacked: nobody needs two, and each multiplies what a bomb can do. */
const MAX_STACKED = 2;

const DECODERS: Readonly<Record<string, () => Transform>> = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: () => new Inflate(),
  br: createBrotliDecompress,
};

/** The encodings of a response that are no identity, in the order in which they were applied. */
export function encodingsOf(header: string | string[] | undefined): string[] {
  return (header ?? '')
    .toString()
    .toLowerCase()
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '' && name !== 'identity');
}

/** What is wrong with the encodings of a response; undefined when nothing is. */
export function encodingMistake(encodings: readonly string[]): string | undefined {
  const unknown = encodings.find((name) => !Object.hasOwn(DECODERS, name));
  if (unknown !== undefined)
    return `its body is encoded as ${JSON.stringify(unknown.slice(0, 40))}, which was not asked for`;
  return encodings.length > MAX_STACKED ? `its body is encoded ${encodings.length} times over` : undefined;
}

/** Takes the chunks of an encoded body, and brings those of the body itself. Nothing more comes of it once it is destroyed. */
export class Decompression {
  private readonly decoders: readonly Transform[];

  constructor(
    encodings: readonly string[],
    on: {
      readonly data: (chunk: Buffer) => void;
      readonly end: () => void;
      readonly error: (error: Error) => void;
    },
  ) {
    this.decoders = encodings.toReversed().map((name) => (DECODERS[name] ?? createGunzip)());
    this.decoders.forEach((decoder, index) => {
      const next = this.decoders[index + 1];
      if (next) decoder.pipe(next);
      decoder.on('error', on.error);
    });
    this.decoders.at(-1)?.on('data', on.data).on('end', on.end);
  }

  /** @returns whether it can take more at once; if not, `drained` is called as soon as it can */
  write(chunk: Buffer, drained: () => void): boolean {
    const [first] = this.decoders;
    const more = first?.write(chunk) ?? true;
    if (!more) first?.once('drain', drained);
    return more;
  }

  /** Brings nothing, and soon takes nothing more, until {@link resume}. */
  pause(): void {
    this.decoders.at(-1)?.pause();
  }

  resume(): void {
    this.decoders.at(-1)?.resume();
  }

  end(): void {
    this.decoders[0]?.end();
  }

  destroy(): void {
    for (const decoder of this.decoders)
      decoder.removeAllListeners('data').removeAllListeners('end').destroy();
  }
}
