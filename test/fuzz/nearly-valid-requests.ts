import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { parameterPlaces, withBody, withHeader, withQuery, withStep } from './changes.ts';
import type { Contract, Operation } from './contract.ts';
import { addressTexts, headerCounts, headerNames, headerTexts, methods } from './hostile-texts.ts';
import { hostileJson, nearlyValidJson } from './json-text.ts';
import { bodiesOf, validRequests, type KnownValues } from './valid-requests.ts';
import type { RequestParts } from './wire-request.ts';

type Change = (request: RequestParts) => RequestParts;

/** Small as long as it is compressed. */
const bomb = gzipSync(Buffer.alloc(20_000_000, ' '));

const notUtf8 = ['\xff', '\xc0\x80', '\xed\xa0\x80', '\xf4\x90\x80\x80', '\xef\xbb\xbf', '\x00'];

/** Requests that differ from valid ones of an operation in a place or two. */
export function nearlyValidRequests(
  contract: Contract,
  operation: Operation,
  known: KnownValues,
): fc.Arbitrary<RequestParts> {
  const changes = fc.oneof(
    { weight: 3, arbitrary: addressChanges(operation) },
    { weight: 3, arbitrary: headerChanges(operation) },
    { weight: operation.requestBody ? 12 : 1, arbitrary: bodyChanges(contract, operation) },
  );
  return fc
    .tuple(validRequests(contract, operation, known), changes, fc.option(changes, { freq: 3 }))
    .map(([request, first, second]) => second?.(first(request)) ?? first(request));
}

function addressChanges({ path, parameters }: Operation): fc.Arbitrary<Change> {
  const names = [...parameters.map(({ name }) => name), '__proto__', 'limit', 'constructor[prototype]', ''];
  const places = parameterPlaces(path);
  const texts = fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(...addressTexts) },
    { weight: 1, arbitrary: fc.string({ unit: 'grapheme', minLength: 1 }).map(encodeURIComponent) },
  );
  const step = fc.tuple(fc.constantFrom(...places, ...places, path.split('/').length), texts).map(
    ([place, text]): Change =>
      (request) =>
        withStep(request, place, text),
  );
  const query = fc.tuple(fc.constantFrom(...names), texts).map(
    ([name, text]): Change =>
      (request) =>
        withQuery(request, `${name}=${text}`),
  );
  return fc.oneof(
    { weight: 4, arbitrary: step },
    { weight: 3, arbitrary: query },
    fc.constantFrom(...methods).map((method): Change => (request) => ({ ...request, method })),
    fc.constantFrom(10, 3_000).map(
      (times): Change =>
        (request) =>
          withQuery(request, 'a=1&'.repeat(times)),
    ),
  );
}

function headerChanges({ parameters }: Operation): fc.Arbitrary<Change> {
  const documented = parameters.filter((parameter) => parameter.in === 'header').map(({ name }) => name);
  const names = fc.constantFrom(...documented, ...documented, ...headerNames);
  const texts = fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(...headerTexts) },
    { weight: 1, arbitrary: fc.string({ unit: 'binary-ascii' }) },
  );
  const header = fc.tuple(names, texts, fc.integer({ min: 1, max: 2 })).map(
    ([name, text, times]): Change =>
      (request) =>
        withHeader(request, name, text, times),
  );
  const many = fc.constantFrom(...headerCounts).map(
    (times): Change =>
      (request) =>
        withHeader(request, 'x', '', times),
  );
  return fc.oneof({ weight: 12, arbitrary: header }, { weight: 1, arbitrary: many });
}

function bodyChanges(contract: Contract, operation: Operation): fc.Arbitrary<Change> {
  const replaced = (texts: fc.Arbitrary<string>) =>
    texts.map(
      (text): Change =>
        (request) =>
          withBody(request, text),
    );
  const bodies = bodiesOf(contract, operation);
  const edited = bodies ? replaced(nearlyValidJson(bodies.values, bodies.names)) : replaced(hostileJson);
  const spliced = fc.tuple(fc.nat(), fc.constantFrom(...notUtf8)).map(
    ([place, bytes]): Change =>
      (request) =>
        withBody(request, splice(request.body, place, bytes)),
  );
  const compressed = fc.constantFrom('gzip', 'deflate', 'br').map(
    (encoding): Change =>
      (request) =>
        withBody(withHeader(request, 'Content-Encoding', encoding), bomb),
  );
  return fc.oneof({ weight: 9, arbitrary: edited }, replaced(hostileJson), spliced, compressed);
}

function splice(body: Buffer, place: number, bytes: string): Buffer {
  const at = place % (body.length + 1);
  return Buffer.concat([body.subarray(0, at), Buffer.from(bytes, 'latin1'), body.subarray(at)]);
}
