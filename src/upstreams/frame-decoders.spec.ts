import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { bytesDecoder } from './bytes-decoder.js';
import type { FrameDecoder } from './frame-decoder.js';
import { NdjsonDecoder } from './ndjson-decoder.js';
import { SseDecoder } from './sse-decoder.js';

const MAX_BYTES = 64;

/** The frames of a body that comes in pieces, and what is wrong behind them. */
function decoded(decoder: FrameDecoder, pieces: readonly Uint8Array[]): readonly string[] {
  const frames: string[] = [];
  try {
    for (const piece of pieces)
      for (const { text, event } of decoder.write(Buffer.from(piece)))
        frames.push(event === undefined ? text : `${event}: ${text}`);
    for (const { text } of decoder.end()) frames.push(text);
  } catch (error) {
    frames.push(`wrong: ${(error as Error).message}`);
  }
  return frames;
}

const sse = (...pieces: readonly (string | number[])[]) =>
  decoded(new SseDecoder(MAX_BYTES), bytesOf(pieces));
const ndjson = (...pieces: readonly (string | number[])[]) =>
  decoded(new NdjsonDecoder(MAX_BYTES), bytesOf(pieces));
const bytes = (contentType: string, ...pieces: readonly (string | number[])[]) =>
  decoded(bytesDecoder(contentType), bytesOf(pieces));

function bytesOf(pieces: readonly (string | number[])[]): Buffer[] {
  return pieces.map((piece) => Buffer.from(piece as string));
}

describe('the events of an event stream', () => {
  test.each([
    ['one', ['data: a\n\n'], ['a']],
    ['lines of data', ['data: a\ndata:b\n\n'], ['a\nb']],
    ['no space', ['data:a\n\n'], ['a']],
    ['two spaces', ['data:  a\n\n'], [' a']],
    ['no colon', ['data\n\n'], ['']],
    ['a name', ['event: error\ndata: a\n\ndata: b\n\n'], ['error: a', 'b']],
    ['carriage returns', ['data: a\r\rdata: b\r\r'], ['a', 'b']],
    ['a line end in two pieces', ['data: a\r', '\n\r', '\ndata: b\r\n\r\n'], ['a', 'b']],
    ['comments and what is not known', [': ping\n\nid: 7\nretry: 3\nmore: x\ndata: a\n\n'], ['a']],
    ['no data', ['event: x\n\n'], []],
    ['no empty line at the end', ['data: a\n\ndata: b\n'], ['a']],
    ['a byte order mark in pieces', [[0xef], [0xbb], [0xbf], 'data: a\n\n'], ['a']],
    ['two byte order marks, of which one is data', ['\ufeff\ufeffdata: a\n\ndata: b\n\n'], ['b']],
    ['a character in pieces', ['data: ', [0xe2, 0x82], [0xac], '\n\n'], ['€']],
    ['a broken character', ['data: ', [0xe2], 'a', [0xff], '\n\n'], ['\ufffda\ufffd']],
    ['data at the bound', [`data: ${'x'.repeat(MAX_BYTES)}\n\n`], ['x'.repeat(MAX_BYTES)]],
  ])('with %s', (_what, pieces, frames) => {
    expect(sse(...pieces)).toEqual(frames);
  });

  test.each([
    ['whole', ['data: a\n\n', `data: ${'x'.repeat(MAX_BYTES + 1)}\n\n`]],
    ['in bytes, not in characters', [`data: a\n\ndata: ${'€'.repeat(22)}\n\n`]],
    ['without an end', ['data: a\n\n', 'data: ', 'x'.repeat(1_000), 'x'.repeat(1_000)]],
    ['in endless lines', ['data: a\n\n', ...Array.from({ length: 1_000 }, () => 'data: x\n')]],
  ])('past the bound, %s, are refused behind those that came before', (_what, pieces) => {
    expect(sse(...pieces)).toEqual([
      'a',
      'wrong: a frame of its stream has more than 64 bytes; maxResponse is that bound',
    ]);
  });
});

describe('the lines of a body', () => {
  test.each([
    ['several', ['1\n{"a":2}\n'], ['1', '{"a":2}']],
    ['no end of the last one', ['1\n2'], ['1', '2']],
    ['empty ones', ['\n\r\n 1 \r\n\n'], ['1']],
    ['pieces in between', ['{"a', '":1', '}\n', '2\n'], ['{"a":1}', '2']],
    ['a character in pieces', ['"', [0xe2, 0x82], [0xac], '"\n'], ['"€"']],
    ['a byte order mark', [[0xef, 0xbb], [0xbf], '1\n'], ['1']],
    ['a line at the bound', [`${'1'.repeat(MAX_BYTES)}\n`], ['1'.repeat(MAX_BYTES)]],
    ['none', [], []],
    [
      'a broken character',
      ['1\n"', [0xff], '"\n2\n'],
      ['1', 'wrong: a line of its stream is no text in UTF-8'],
    ],
  ])('with %s', (_what, pieces, frames) => {
    expect(ndjson(...pieces)).toEqual(frames);
  });

  test.each([
    ['whole', ['1\n', `${'x'.repeat(MAX_BYTES + 1)}\n`]],
    ['without an end', ['1\n', ...Array.from({ length: 65 }, () => 'x')]],
  ])('past the bound, %s, are refused behind those that came before', (_what, pieces) => {
    expect(ndjson(...pieces)).toEqual([
      '1',
      'wrong: a frame of its stream has more than 64 bytes; maxResponse is that bound',
    ]);
  });
});

describe('bytes as they come', () => {
  test.each([
    ['a text', 'text/plain', ['a', [0xe2, 0x82], [0xac, 0x62]], ['a', '€b']],
    ['JSON', 'application/problem+json', ['{"a"', ':1}'], ['{"a"', ':1}']],
    ['another charset', 'text/plain; charset=iso-8859-1', [[0xe9]], ['é']],
    ['an unknown charset', 'text/plain; charset=klingon', ['a'], ['wrong: its body is no text in "klingon"']],
    ['a broken character', 'text/plain', ['a', [0xff]], ['a', 'wrong: its body is no text in "utf-8"']],
    ['half a character', 'text/plain', ['a', [0xe2]], ['a', 'wrong: its body is no text in "utf-8"']],
    ['an image', 'image/png', [[1], [2, 3, 4], [5]], ['AQID', 'BAU=']],
    ['no type', '', ['a'], ['YQ==']],
  ])('with %s', (_what, contentType, pieces, frames) => {
    let found: readonly string[];
    try {
      found = bytes(contentType, ...pieces);
    } catch (error) {
      found = [`wrong: ${(error as Error).message}`];
    }
    expect(found).toEqual(frames);
  });
});

describe('what comes in other pieces', () => {
  /** What decoders look at: ends of lines, fields, marks, halves of characters. */
  const parts = [
    '\n',
    '\r',
    '\r\n',
    '\n\n',
    'data: ',
    'data',
    'event: x',
    ':',
    'id: 1',
    ' ',
    '{"a":1}',
    '€',
    'é',
    '😀',
  ].map((text) => Buffer.from(text));
  const body = fc
    .array(
      fc.oneof(
        fc.constantFrom(...parts),
        fc.constantFrom(Buffer.from([0xef, 0xbb, 0xbf]), Buffer.from([0xff]), Buffer.from([0xe2, 0x82])),
        fc.uint8Array({ maxLength: 4 }).map((some) => Buffer.from(some)),
        fc.nat(80).map((length) => Buffer.alloc(length, 'x')),
      ),
      { maxLength: 40 },
    )
    .map((some) => Buffer.concat(some));

  const decoders: [string, () => FrameDecoder, (frames: readonly string[]) => unknown][] = [
    ['events', () => new SseDecoder(MAX_BYTES), (frames) => frames],
    ['lines', () => new NdjsonDecoder(MAX_BYTES), (frames) => frames],
    ['texts, taken together,', () => bytesDecoder('text/plain'), (frames) => frames.join('')],
    ['bytes, taken together,', () => bytesDecoder('image/png'), (frames) => frames.join('')],
  ];

  test.each(decoders)('has the same %s', (what, decoder, taken) => {
    fc.assert(
      fc.property(body, fc.array(fc.nat(200), { maxLength: 20 }), (raw, cuts) => {
        // Of a text that is broken, as much is shown as came before.
        const whole = what.startsWith('texts') ? Buffer.from(raw.toString()) : raw;
        const places = [0, ...cuts.filter((cut) => cut < whole.length).sort((a, b) => a - b), whole.length];
        const pieces = places.slice(1).map((end, index) => whole.subarray(places[index], end));
        expect(taken(decoded(decoder(), pieces))).toEqual(taken(decoded(decoder(), [whole])));
      }),
      { numRuns: 2_000 },
    );
  });
});
