import type { INestApplication } from '@nestjs/common';
import { DocumentBuilder, SwaggerModule, type OpenAPIObject } from '@nestjs/swagger';
import { z } from 'zod';
import { problemResponse } from './api-problems.decorator.js';
import { problemSchema } from './problem.schema.js';

const DESCRIPTION = `Answers with the first of several sub-tasks to finish, lets the rest finish in the background, and loses none of it.

Start with \`GET /run-tasks\`, follow its \`Location\`, then \`POST /tasks/demo/runs\`. Errors are [problem documents](/problems) (RFC 9457).`;

/** The OpenAPI 3.1 document of the service, made from its controllers and their zod schemas. */
export function createOpenApiDocument(app: INestApplication): OpenAPIObject {
  const config = new DocumentBuilder()
    .setOpenAPIVersion('3.1.0')
    .setTitle('Frontrunner')
    .setDescription(DESCRIPTION)
    .setVersion('0.1.0')
    .setLicense('MIT', 'https://opensource.org/license/mit')
    .addServer('/')
    .addTag('Runs', 'Executions of tasks')
    .addTag('Tasks', 'What can be run')
    .addTag('Health', 'For load balancers and orchestrators')
    .addTag('Problems', 'Pages about each kind of error')
    .build();
  const document = SwaggerModule.createDocument(app, config, {
    autoTagControllers: false,
    standardSchemaConverter: convert,
  });
  const { components } = convert(problemSchema, { schemaType: 'output' });
  document.components = {
    ...document.components,
    schemas: { ...document.components?.schemas, ...components },
  };
  addCommonProblems(document);
  document.security = [];
  return document;
}

function convert(schema: unknown, { schemaType }: { schemaType: 'input' | 'output' }) {
  const {
    $defs = {},
    $schema: _,
    ...rest
  } = z.toJSONSchema(schema as z.ZodType, { io: schemaType, unrepresentable: 'any' });
  return { schema: rest, components: $defs as OpenAPIComponents };
}

type OpenAPIComponents = NonNullable<NonNullable<OpenAPIObject['components']>['schemas']>;

/** The methods that a path answers to, by the document's operations; like the router, whatever its case and last slash. */
export function allowedMethods(document: OpenAPIObject): (path: string) => readonly string[] {
  const paths = { ...document.paths, '/docs': { get: {} }, '/openapi.json': { get: {} } };
  const routes = Object.entries(paths).map(([path, operations]) => ({
    pattern: new URLPattern(
      { pathname: `${path.replaceAll(/\{(\w+)\}/g, ':$1')}{/}?` },
      { ignoreCase: true },
    ),
    methods: Object.keys(operations).flatMap((method) =>
      method === 'get' ? ['GET', 'HEAD'] : [method.toUpperCase()],
    ),
  }));
  return (path) => routes.find(({ pattern }) => pattern.test({ pathname: path }))?.methods ?? [];
}

/** Adds to every operation what any may answer with. */
function addCommonProblems(document: OpenAPIObject): void {
  for (const operations of Object.values(document.paths)) {
    for (const operation of Object.values(operations) as { responses: Record<string, unknown> }[]) {
      operation.responses['405'] ??= problemResponse(['method-not-allowed']);
      operation.responses['500'] ??= problemResponse(['internal-error']);
    }
  }
}
