import fc from 'fast-check';
import type { Contract } from './contract.ts';
import { hostileRequests } from './hostile-requests.ts';
import { nearlyValidRequests } from './nearly-valid-requests.ts';
import { validRequests, type KnownValues } from './valid-requests.ts';
import { bytesOf, WireRequest, type Kind, type RequestParts } from './wire-request.ts';

/** Requests of every kind to every operation of the document, a few of them in pieces with pauses between. */
export function requests(contract: Contract, known: KnownValues): fc.Arbitrary<WireRequest> {
  const pace = fc.oneof(
    { weight: 60, arbitrary: fc.constant([1, 0] as const) },
    { weight: 1, arbitrary: fc.tuple(fc.integer({ min: 2, max: 20 }), fc.constantFrom(0, 1, 5)) },
  );
  const sent = (kind: Kind, parts: fc.Arbitrary<RequestParts>) =>
    fc
      .tuple(parts, pace)
      .map(([parts, [pieces, pauseMs]]) => new WireRequest(kind, bytesOf(parts), true, pieces, pauseMs));
  const valid = fc.oneof(
    ...contract.operations.map((operation) => validRequests(contract, operation, known)),
  );
  const nearlyValid = fc.oneof(
    ...contract.operations.map((operation) => ({
      weight: operation.requestBody ? 4 : 1,
      arbitrary: nearlyValidRequests(contract, operation, known),
    })),
  );
  return fc.oneof(
    { weight: 2, arbitrary: sent('valid', valid) },
    { weight: 6, arbitrary: sent('nearly valid', nearlyValid) },
    { weight: 1, arbitrary: hostileRequests(valid) },
  );
}

/** Valid requests that take two seconds to come in, a few bytes at a time. */
export function slowRequests(contract: Contract, known: KnownValues, count: number): WireRequest[] {
  const valid = fc.oneof(
    ...contract.operations
      .filter(({ requestBody }) => requestBody)
      .map((operation) => validRequests(contract, operation, known)),
  );
  return fc
    .sample(valid, { numRuns: count })
    .map((parts) => new WireRequest('valid', bytesOf(parts), true, 40, 50));
}
