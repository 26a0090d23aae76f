import fc from 'fast-check';
import type { Contract, Operation, Parameter } from './contract.ts';
import { valuesOf } from './schema-values.ts';
import type { RequestParts } from './wire-request.ts';

/** Values of parameters that the service knows, by name: ids of runs, for example. */
export type KnownValues = Readonly<Record<string, readonly string[]>>;

interface Bodies {
  readonly examples: readonly unknown[];
  /** Examples, and whatever else fits the schema. */
  readonly values: fc.Arbitrary<unknown>;
  /** The members that they may have. */
  readonly names: readonly string[];
}

/** What the body of an operation's requests may be; undefined when there is none. */
export function bodiesOf(contract: Contract, { requestBody }: Operation): Bodies | undefined {
  const content = requestBody?.content['application/json'];
  if (!content?.schema) return undefined;
  const examples = examplesOf(content);
  const made = valuesOf(contract, content.schema);
  return {
    examples,
    values: examples.length > 0 ? fc.oneof(fc.constantFrom(...examples), made) : made,
    names: Object.keys(contract.resolve(content.schema).properties ?? {}),
  };
}

/** Requests that fit all that the document says of an operation. */
export function validRequests(
  contract: Contract,
  operation: Operation,
  known: KnownValues,
): fc.Arbitrary<RequestParts> {
  const given = (place: Parameter['in']) =>
    fc
      .tuple(
        ...operation.parameters
          .filter((parameter) => parameter.in === place)
          .map((parameter) => {
            const values = valuesOfParameter(contract, parameter, known);
            const pairs = values.map((value) => pairsOf(parameter, value));
            return parameter.required === true ? pairs : fc.option(pairs, { nil: [] });
          }),
      )
      .map((pairs) => pairs.flat());
  const body = bodiesOf(contract, operation)?.values ?? fc.constant(undefined);
  return fc
    .record({ path: given('path'), query: given('query'), header: given('header'), body })
    .map((values) => written(operation, values));
}

/** A valid request of an operation, with examples for all that it requires. */
export function exampleRequest(contract: Contract, operation: Operation, known: KnownValues): RequestParts {
  const given = (place: Parameter['in']) =>
    operation.parameters
      .filter((parameter) => parameter.in === place && parameter.required === true)
      .flatMap((parameter) => pairsOf(parameter, examplesOfParameter(contract, parameter, known)[0] ?? 'x'));
  const body = bodiesOf(contract, operation)?.examples[0];
  return written(operation, { path: given('path'), query: given('query'), header: given('header'), body });
}

type Pair = readonly [name: string, value: string];

interface Values {
  readonly path: readonly Pair[];
  readonly query: readonly Pair[];
  readonly header: readonly Pair[];
  /** Undefined where there is none. */
  readonly body: unknown;
}

function written({ method, path }: Operation, values: Values): RequestParts {
  const target = values.path.reduce(
    (target, [name, value]) => target.replace(`{${name}}`, () => encodeURIComponent(value)),
    path,
  );
  const query = values.query.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join('&');
  const headers = values.header.map(
    ([name, value]) => [name, value.replaceAll(/[^ -~]/g, '').trim()] as const,
  );
  return {
    method,
    target: query === '' ? target : `${target}?${query}`,
    version: 'HTTP/1.1',
    headers: values.body === undefined ? headers : [...headers, ['Content-Type', 'application/json']],
    body: Buffer.from(values.body === undefined ? '' : JSON.stringify(values.body)),
  };
}

function valuesOfParameter(
  contract: Contract,
  parameter: Parameter,
  known: KnownValues,
): fc.Arbitrary<unknown> {
  const examples = examplesOfParameter(contract, parameter, known);
  const made = valuesOf(contract, parameter.schema ?? {});
  return examples.length > 0
    ? fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...examples) }, { weight: 1, arbitrary: made })
    : made;
}

function examplesOfParameter(contract: Contract, parameter: Parameter, known: KnownValues): unknown[] {
  const { example, enum: choices = [] } = contract.resolve(parameter.schema ?? {});
  const all = [...(known[parameter.name] ?? []), ...examplesOf(parameter), example, ...choices];
  return all.filter((value) => value !== undefined);
}

function examplesOf({ example, examples = {} }: Pick<Parameter, 'example' | 'examples'>): unknown[] {
  const all = [example, ...Object.values(examples).map(({ value }) => value)];
  return all.filter((value) => value !== undefined);
}

/** A parameter as it is written in an address or a header, once for each item of a list. */
function pairsOf({ name, in: place }: Parameter, value: unknown): Pair[] {
  return [value].flat().map((item) => {
    const text = typeof item === 'string' ? item : JSON.stringify(item);
    // A step of a path can be neither empty nor made of dots.
    return [name, place === 'path' ? text.replace(/^\.{0,2}$/, 'x') : text];
  });
}
