import { DOCUMENT } from '../support/documented-statuses.js';

interface Schema {
  readonly $ref?: string;
  readonly type?: string;
  readonly example?: unknown;
  readonly examples?: readonly unknown[];
  readonly enum?: readonly unknown[];
}

interface Content {
  readonly schema: Schema;
  readonly example?: unknown;
  readonly examples?: Readonly<Record<string, { readonly value: unknown }>>;
}

interface Parameter extends Content {
  readonly name: string;
  readonly in: string;
}

interface Operation {
  readonly parameters: readonly Parameter[];
  readonly requestBody?: { readonly content: Readonly<Record<string, Content>> };
}

/** A request that is made of the examples of an operation. */
export interface ExampleRequest {
  readonly method: string;
  /** As the document has it. */
  readonly template: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** Every operation of openapi.json with all its examples, one request for each example of a body. */
export function exampleRequests(): ExampleRequest[] {
  return Object.entries(DOCUMENT.paths).flatMap(([template, item]) =>
    Object.entries(item as Record<string, Operation>).flatMap(([method, operation]) =>
      bodiesOf(operation).map((body) => ({
        method: method.toUpperCase(),
        template,
        path: pathOf(template, operation.parameters),
        headers: {
          ...headersOf(operation.parameters),
          ...(body !== undefined && { 'Content-Type': 'application/json' }),
        },
        ...(body !== undefined && { body }),
      })),
    ),
  );
}

function bodiesOf({ requestBody }: Operation): (string | undefined)[] {
  const content = requestBody?.content['application/json'];
  if (!content) return [undefined];
  const { example, examples, schema } = content;
  const values = example === undefined ? Object.values(examples ?? {}).map(({ value }) => value) : [example];
  return (values.length > 0 ? values : [exampleOf(schema)]).map((value) => JSON.stringify(value));
}

function exampleOf(schema: Schema): unknown {
  const schemas = DOCUMENT.components!.schemas as Record<string, Schema>;
  const { example, examples } = schema.$ref === undefined ? schema : schemas[schema.$ref.split('/').at(-1)!]!;
  return example ?? examples?.[0];
}

function pathOf(template: string, parameters: readonly Parameter[]): string {
  const path = template.replaceAll(/\{(\w+)\}/g, (_all, name: string) =>
    encodeURIComponent(valueOf(parameters.find((one) => one.in === 'path' && one.name === name)!)),
  );
  const query = parameters
    .filter((parameter) => parameter.in === 'query')
    .map((parameter) => `${parameter.name}=${encodeURIComponent(valueOf(parameter))}`);
  return query.length > 0 ? `${path}?${query.join('&')}` : path;
}

function headersOf(parameters: readonly Parameter[]): Record<string, string> {
  const headers = parameters.filter((parameter) => parameter.in === 'header');
  return Object.fromEntries(headers.map((header) => [header.name, valueOf(header)]));
}

/** Lists are separated by commas: the document says so of each. */
function valueOf({ example, schema }: Parameter): string {
  return String(example ?? schema.example ?? schema.examples?.[0] ?? schema.enum?.[0]);
}
