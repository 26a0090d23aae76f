import type { Transform } from 'node:stream';
import { createBrotliDecompress, createGunzip } from 'node:zlib';
import { Inflate } from './inflate.js';

/** Value of `Accept-Encoding`. */
export const ACCEPTED_ENCODINGS = 'gzip, br, deflate';

/** Most encodings on one body. Nobody needs two, and each multiplies the effect of a decompression bomb. */
const MAX_STACKED = 2;

const DECODERS: Readonly<Record<string, () => Transform>> = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: () => new Inflate(),
  br: createBrotliDecompress,
};

/** The encodings of a response except `identity`, in the order in which they were applied. */
export function encodingsOf(header: string | string[] | undefined): string[] {
  return (header ?? '')
    .toString()
    .toLowerCase()
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '' && name !== 'identity');
}

/** Why the encodings of a response can't be decoded; undefined when they can. */
export function encodingMistake(encodings: readonly string[]): string | undefined {
  const unknown = encodings.find((name) => !Object.hasOwn(DECODERS, name));
  if (unknown !== undefined)
    return `its body is encoded as ${JSON.stringify(unknown.slice(0, 40))}, which was not asked for`;
  return encodings.length > MAX_STACKED ? `its body is encoded ${encodings.length} times over` : undefined;
}

/** Decodes the chunks of an encoded body. Delivers nothing more after `destroy`. */
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

  /** @returns whether more can be written at once; if not, `drained` is called when it can */
  write(chunk: Buffer, drained: () => void): boolean {
    const [first] = this.decoders;
    const more = first?.write(chunk) ?? true;
    if (!more) first?.once('drain', drained);
    return more;
  }

  /** Delivers nothing, and soon accepts nothing more, until {@link resume}. */
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
