import { parameterPlaces, withBody, withHeader, withQuery, withStep } from './changes.ts';
import type { Contract, Operation } from './contract.ts';
import { addressTexts, headerCounts, headerTexts, jsonTexts, methods } from './hostile-texts.ts';
import { bodiesOf, exampleRequest, type KnownValues } from './valid-requests.ts';
import { bytesOf, WireRequest, type RequestParts } from './wire-request.ts';

/**
 * For every operation a valid request, before one of them erases the run that they are about, and then every text that is hard to read in
 * every place where it may stand, with nothing else wrong.
 */
export function worstRequests(contract: Contract, known: KnownValues): WireRequest[] {
  const examples = contract.operations.map(
    (operation) => [operation, exampleRequest(contract, operation, known)] as const,
  );
  return [
    ...examples.filter(([{ method }]) => method !== 'DELETE').map(([, valid]) => valid),
    ...examples.flatMap(([operation, valid]) => variations(contract, operation, valid)),
  ].map((parts) => new WireRequest('nearly valid', bytesOf(parts), true));
}

function variations(contract: Contract, operation: Operation, valid: RequestParts): RequestParts[] {
  const named = (place: string) =>
    operation.parameters.filter((parameter) => parameter.in === place).map(({ name }) => name);
  return [
    valid,
    ...methods.map((method) => ({ ...valid, method })),
    ...headerCounts.map((times) => withHeader(valid, 'x', '', times)),
    ...addressTexts.flatMap((text) => [
      ...parameterPlaces(operation.path).map((place) => withStep(valid, place, text)),
      ...named('query').map((name) => withQuery(valid, `${name}=${text}`)),
    ]),
    ...headerTexts.flatMap((text) => named('header').map((name) => withHeader(valid, name, text))),
    ...bodyTexts(contract, operation).map((text) => withBody(valid, text)),
  ];
}

function bodyTexts(contract: Contract, operation: Operation): string[] {
  const { names } = bodiesOf(contract, operation) ?? {};
  if (!names) return [];
  return jsonTexts.flatMap((text) => [text, ...names.map((name) => `{${JSON.stringify(name)}:${text}}`)]);
}
