import type { OpenAPIObject } from '@nestjs/swagger';
import { SESSION_SCHEME } from '../access/needed-scope.decorator.js';
import { problemTypes, type ProblemCode } from '../http/problems.js';
import { COMMON_PROBLEMS, type OperationObject } from './common-contract.js';
import { problemsOf, resolved } from './fold-problems.js';

/** Problems that nearly every operation may answer with. */
const COMMON: ReadonlySet<string> = new Set<ProblemCode>([
  ...COMMON_PROBLEMS,
  'unauthorized',
  'forbidden',
  'foreign-page',
  'unsupported-media-type',
  'misdirected-request',
  'too-many-requests',
]);

const STREAM =
  '\n\nThis page shows a stream when it has ended. `curl -N -H "Accept: text/event-stream"` shows it as it comes, and so does `/ui`.';

/** Parameters whose examples name things that don't exist. */
const IDS: ReadonlySet<string> = new Set(['id', 'webhookId', 'event']);

interface Parameter {
  readonly name: string;
  readonly required?: boolean;
  description?: string;
  example?: unknown;
  schema?: { readonly example?: unknown; readonly examples?: readonly unknown[]; readonly default?: unknown };
}

/**
 * The document as Swagger UI shows it, which fills its forms with the examples and defaults of parameters. A request that is sent so would
 * ask for a stretch of time in the past, behind an old cursor, or repeat an earlier run. Tools need them in the document itself.
 */
export function documentForPage(original: OpenAPIObject): OpenAPIObject {
  const document = structuredClone(original);
  // A page can't set a cookie that is hidden from scripts.
  delete document.components?.securitySchemes?.[SESSION_SCHEME];
  document.security = withoutSession(document.security);
  for (const item of Object.values(document.paths)) {
    // Each GET has a HEAD beside it.
    delete item.head;
    for (const operation of Object.values(item as Record<string, OperationObject>))
      describe(operation, document);
  }
  return document;
}

function describe(operation: OperationObject, document: OpenAPIObject): void {
  const { parameters = [], requestBody, responses } = operation;
  for (const parameter of parameters as Parameter[])
    if (!parameter.required || IDS.has(parameter.name)) leaveEmpty(parameter);
  if (requestBody) operation.requestBody = withoutKeys(requestBody);
  if (JSON.stringify(responses['200'] ?? '').includes('"text/event-stream"'))
    operation.description = (operation.description ?? '') + STREAM;
  operation.security = withoutSession(operation.security);
  const common: string[] = [];
  for (const [status, response] of Object.entries(responses)) {
    const codes = problemsOf(resolved(document, response as object));
    if (codes.length === 0 || !codes.every((code) => COMMON.has(code))) continue;
    common.push(...codes.map((code) => `${problemTypes[code as ProblemCode].status} \`${code}\``));
    Reflect.deleteProperty(responses, status);
  }
  responses.default = {
    description: `What nearly every request may be answered with: ${common.join(', ')}. Each has a page below \`/problems\`.`,
    content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
  };
}

/** Moves an example or default into the description, so that the form stays empty. */
function leaveEmpty(parameter: Parameter): void {
  const { default: usual, example, examples = [], ...schema } = parameter.schema ?? {};
  const value = usual ?? parameter.example ?? example ?? examples[0];
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  if (value !== undefined && !IDS.has(parameter.name))
    parameter.description = `${parameter.description ?? ''} ${usual === undefined ? 'For example' : 'Default:'} \`${text}\`.`;
  parameter.schema = schema;
  delete parameter.example;
}

/** A key in the example of a body would repeat an earlier run. */
function withoutKeys<T>(body: T): T {
  return JSON.parse(JSON.stringify(body), (name, value: unknown) =>
    name === 'idempotencyKey' ? undefined : value,
  ) as T;
}

function withoutSession(security: OperationObject['security'] = []): Record<string, string[]>[] {
  return security.filter((by) => !(SESSION_SCHEME in by));
}
