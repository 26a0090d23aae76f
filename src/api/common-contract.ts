import type { OpenAPIObject } from '@nestjs/swagger';
import { EXAMPLE_REQUEST_ID, EXAMPLE_TRACEPARENT } from '../tasks/tasks.schemas.js';
import { problemResponse } from '../http/api-problems.decorator.js';
import { CACHE_AN_HOUR, NO_STORE } from '../http/common-headers.js';
import { problemTypes, type ProblemCode } from '../http/problems.js';

export type OperationObject = NonNullable<OpenAPIObject['paths'][string]['get']>;

/** What any operation may answer with, and any with a body. */
export const COMMON_PROBLEMS: readonly ProblemCode[] = [
  'bad-request',
  'method-not-allowed',
  'not-acceptable',
  'request-timeout',
  'payload-too-large',
  'expectation-failed',
  'headers-too-large',
  'internal-error',
];
const BODY_PROBLEMS: readonly ProblemCode[] = ['unsupported-media-type'];

const commonParameters = [
  {
    name: 'X-Request-Id',
    in: 'header' as const,
    required: false,
    description:
      'Ties the request to the log: 1 to 200 visible ASCII characters. Anything else is replaced by a new id.',
    schema: { type: 'string' as const },
    example: EXAMPLE_REQUEST_ID,
  },
  {
    name: 'traceparent',
    in: 'header' as const,
    required: false,
    description:
      'The caller’s place in a trace ([W3C Trace Context](https://www.w3.org/TR/trace-context/)). Ignored when it is not valid.',
    schema: { type: 'string' as const },
    example: EXAMPLE_TRACEPARENT,
  },
];

/** Descriptions of the headers of every answer, for the document's components. */
export const commonHeaders = {
  'X-Request-Id': {
    description: 'The id of the request: the caller’s, or one that was made for it.',
    schema: { type: 'string' as const },
    example: EXAMPLE_REQUEST_ID,
  },
  'Cache-Control': {
    description: `\`${NO_STORE}\` for whatever depends on the moment or on who asks; \`${CACHE_AN_HOUR}\` for pages that don’t.`,
    schema: { type: 'string' as const },
    example: NO_STORE,
  },
};

const headerReferences = Object.fromEntries(
  Object.keys(commonHeaders).map((name) => [name, { $ref: `#/components/headers/${name}` }]),
);

/** Adds to an operation the parameters and the problems that it has in common with all others. */
export function addCommonProblems(method: string, operation: OperationObject): void {
  const { parameters = [], responses } = operation;
  operation.parameters = [...parameters, ...commonParameters];
  for (const code of [...COMMON_PROBLEMS, ...(method === 'get' ? [] : BODY_PROBLEMS)]) {
    responses[problemTypes[code].status] ??= problemResponse([code]);
  }
}

/** Says of lists in queries that they are separated by commas, unless they say otherwise: OpenAPI's default is a parameter for each value. */
export function describeLists({ parameters = [] }: OperationObject): void {
  for (const parameter of parameters)
    if ('in' in parameter && parameter.in === 'query' && isList(parameter.schema))
      Object.assign(parameter, { style: 'form', explode: parameter.explode ?? false });
}

function isList(schema: object = {}): boolean {
  return 'type' in schema && schema.type === 'array';
}

/** The operation that does what a GET does, and answers without a body. */
export function headOf(get: OperationObject): OperationObject {
  return {
    ...get,
    operationId: `${get.operationId ?? ''}Head`,
    summary: `${get.summary ?? ''}: the headers`,
    description: 'Does what GET does, and answers with the status and the headers alone.',
    responses: Object.fromEntries(
      Object.entries(get.responses).map(([status, response]) => [status, headResponse(response as Response)]),
    ),
  };
}

interface Response {
  readonly $ref?: string;
  readonly description: string;
  readonly content?: object;
}

function headResponse({ content: _, $ref: reference, ...rest }: Response) {
  return reference === undefined ? rest : { $ref: `${reference}Head` };
}

/** The responses among the components as HEAD has them, by names of their own. */
export function withoutContent(responses: Record<string, object>) {
  return Object.fromEntries(
    Object.entries(responses).map(([name, response]) => [`${name}Head`, headResponse(response as Response)]),
  );
}

/** Adds to an operation's answers the headers that all answers have. */
export function addCommonHeaders({ responses }: OperationObject): void {
  for (const response of Object.values(responses))
    if (response && 'description' in response)
      response.headers = { ...response.headers, ...headerReferences };
}
