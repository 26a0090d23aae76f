import type { INestApplication } from '@nestjs/common';
import * as swagger from '@nestjs/swagger';
import type { OpenAPIObject } from '@nestjs/swagger';
import { z } from 'zod';
import { documentAccess } from '../access/document-access.js';
import { eventPageSchema } from '../feed/events.schemas.js';
import {
  addCommonHeaders,
  addCommonProblems,
  commonHeaders,
  describeLists,
  headOf,
  withoutContent,
  type OperationObject,
} from './common-contract.js';
import { foldProblems } from './fold-problems.js';
import { describeOperations } from '../http/open-api.js';
import { chatCompletionSchema, openAiErrorSchema } from '../openai/chat.schemas.js';
import { describeOpenAiErrors } from './openai-errors.js';
import { problemSchema } from '../http/problem.schema.js';
import { runBatchSchema } from '../tasks/run-batches.schemas.js';
import { answerSchema } from '../tasks/tasks.schemas.js';

const DESCRIPTION = `Answers with the first of several sub-tasks to finish, lets the rest finish in the background, and loses none of it.

Start with \`GET /run-tasks\`, follow its \`Location\`, then \`POST /tasks/demo/runs\`. Errors are problem documents (RFC 9457); each kind has a page below \`/problems\`.

Every answer has an \`X-Request-Id\`: the one that the request came with, or a new one. It and a valid \`traceparent\` are kept with the run that the request starts, and stand in each of its log lines.

Every path with \`GET\` answers to \`HEAD\` too, which \`/docs\` leaves out. Every path answers to \`OPTIONS\` (204, with \`Allow\`); other methods get 405 with \`Allow\`. JSON of more than 1 KiB is compressed as \`Accept-Encoding\` allows. A body may be announced with \`Expect: 100-continue\`: what would be refused anyway is refused before it is sent.

Pages of other origins may call the service if \`CORS_ORIGINS\` names them; of other pages, whatever starts or changes runs is refused (403 \`foreign-page\`). Where no key is needed, \`Host\` must be a name of this machine, \`HOST\` or one of \`ALLOWED_HOSTS\` (421).`;

/** The OpenAPI 3.1 document of the service, made from its controllers and their zod schemas. */
export function createOpenApiDocument(app: INestApplication): OpenAPIObject {
  const config = new swagger.DocumentBuilder()
    .setOpenAPIVersion('3.1.0')
    .setTitle('Frontrunner')
    .setDescription(DESCRIPTION)
    .setVersion('0.2.0')
    .setLicense('MIT', 'https://opensource.org/license/mit')
    .addServer('/')
    .addTag('Runs', 'Executions of tasks')
    .addTag('Events', 'What happens to runs, to watch or to poll')
    .addTag('Webhooks', 'Where events are sent, and what became of them')
    .addTag('Tasks', 'What can be run')
    .addTag('OpenAI', 'Tasks as models, for clients of OpenAI')
    .addTag('Nodes', 'The nodes, what waits for them, and the journal')
    .addTag('Access', 'Who is signed in')
    .addTag('Admin', 'For whoever looks after the nodes and their runs')
    .addTag('Health', 'For load balancers and orchestrators')
    .addTag('Problems', 'Pages about each kind of error')
    .build();
  describeOperations(swagger);
  const document = swagger.SwaggerModule.createDocument(app, config, {
    autoTagControllers: false,
    standardSchemaConverter: convert,
  });
  addSchemas(document, [
    problemSchema,
    eventPageSchema,
    answerSchema,
    runBatchSchema,
    chatCompletionSchema,
    openAiErrorSchema,
  ]);
  const operations = Object.values(document.paths).flatMap(
    (operationsOfPath) => Object.entries(operationsOfPath) as [string, OperationObject][],
  );
  for (const [method, operation] of operations) {
    describeLists(operation);
    addCommonProblems(method, operation);
  }
  documentAccess(document);
  describeOpenAiErrors(document);
  for (const [, operation] of operations) addCommonHeaders(operation);
  const problems = foldProblems(operations.map(([, operation]) => operation));
  document.components = {
    ...document.components,
    headers: { ...document.components?.headers, ...commonHeaders },
    responses: problems as NonNullable<OpenAPIObject['components']>['responses'] & object,
  };
  for (const [path, { get, ...others }] of Object.entries(document.paths))
    if (get) document.paths[path] = { get, head: headOf(get), ...others };
  const used = JSON.stringify(document.paths);
  const ofHead = Object.entries(withoutContent(problems)).filter(([name]) => used.includes(`/${name}"`));
  document.components.responses = { ...document.components.responses, ...Object.fromEntries(ofHead) };
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

/** Adds the components that only responses of several kinds refer to. */
function addSchemas(document: OpenAPIObject, schemas: readonly z.ZodType[]): void {
  const components = schemas.map((schema) => convert(schema, { schemaType: 'output' }).components);
  const text = JSON.stringify(Object.assign({}, ...components)).replaceAll(
    '#/$defs/',
    '#/components/schemas/',
  );
  const added = JSON.parse(text) as OpenAPIComponents;
  document.components = { ...document.components, schemas: { ...document.components?.schemas, ...added } };
}

type OpenAPIComponents = NonNullable<NonNullable<OpenAPIObject['components']>['schemas']>;
