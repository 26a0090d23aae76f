import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { OpenAPIObject } from '@nestjs/swagger';
import { problemTypes } from '../../../src/http/problems.js';
import { runRequestSchema } from '../../../src/tasks/tasks.schemas.js';
import { TestApp } from '../../support/test-app.js';

interface Schema {
  readonly $ref?: string;
  readonly example?: unknown;
  readonly examples?: unknown;
  readonly enum?: readonly unknown[];
}

interface Content {
  readonly schema: Schema;
  readonly example?: unknown;
  readonly examples?: Record<string, { readonly value: unknown }>;
}

interface Operation {
  readonly operationId: string;
  readonly summary?: string;
  readonly description?: string;
  readonly tags: readonly string[];
  readonly security: readonly Record<string, readonly string[]>[];
  readonly parameters: readonly {
    readonly name: string;
    readonly in: string;
    readonly schema: Schema;
    readonly example?: unknown;
  }[];
  readonly requestBody?: { readonly content: Record<string, Content> };
  readonly responses: Record<
    string,
    {
      readonly description: string;
      readonly content?: Record<string, Content>;
      readonly headers?: Record<string, object>;
    }
  >;
}

describe('the description of the service', () => {
  let service: TestApp;
  let document: OpenAPIObject;
  let operations: (Operation & { readonly name: string })[];

  beforeAll(async () => {
    service = await TestApp.start({ makesDocument: true });
    const response = await service.http.get('/openapi.json').expect(200).expect('Content-Type', /json/);
    document = response.body as OpenAPIObject;
    operations = Object.entries(document.paths).flatMap(([path, item]) =>
      Object.entries(withoutHead(item)).map(([method, operation]) => ({
        ...operation,
        responses: inFull(operation.responses),
        name: `${method} ${path}`,
      })),
    );
  });
  afterAll(() => service.close());

  /** With what they refer to. */
  const inFull = (responses: Operation['responses']) =>
    Object.fromEntries(
      Object.entries(responses).map(([status, response]) => {
        const name = (response as { $ref?: string }).$ref?.split('/').at(-1);
        return [status, name === undefined ? response : document.components!.responses![name]];
      }),
    ) as Operation['responses'];
  const withoutHead = ({ head: _, ...item }: object & { head?: unknown }) =>
    item as Record<string, Operation>;
  const examplesOf = ({ schema, example, examples }: Content): unknown[] => {
    const own = example === undefined ? Object.values(examples ?? {}).map(({ value }) => value) : [example];
    const named = document.components?.schemas?.[schema.$ref?.split('/').at(-1) ?? ''] as Schema | undefined;
    return [...own, schema.example, named?.example, named?.examples].filter((value) => value !== undefined);
  };

  test('is OpenAPI 3.1 and has every operation of the service', () => {
    expect(document.openapi).toMatch(/^3\.1\./);
    expect(operations.map(({ name }) => name).toSorted()).toEqual([
      'delete /breakers/{upstream}',
      'delete /runs/{id}',
      'delete /session',
      'delete /webhooks/{webhookId}',
      'delete /webhooks/{webhookId}/deliveries',
      'delete /webhooks/{webhookId}/deliveries/{event}',
      'get /breakers',
      'get /events',
      'get /health/live',
      'get /health/ready',
      'get /metrics',
      'get /nodes',
      'get /openai/{task}/v1/models',
      'get /problems',
      'get /problems/{code}',
      'get /queue',
      'get /queue/dead-letters',
      'get /run-tasks',
      'get /runs',
      'get /runs/{id}',
      'get /runs/{id}/events',
      'get /runs/{id}/stream',
      'get /session',
      'get /tasks',
      'get /tasks.schema.json',
      'get /tasks/{name}',
      'get /tasks/{name}/stats',
      'get /tasks/{name}/stats/what-if',
      'get /webhooks',
      'get /webhooks/{webhookId}',
      'get /webhooks/{webhookId}/deliveries',
      'patch /webhooks/{webhookId}',
      'post /admin/nodes/{id}/drain',
      'post /admin/nodes/{id}/undrain',
      'post /admin/queue/redrive',
      'post /admin/queues/{name}/pause',
      'post /admin/queues/{name}/resume',
      'post /admin/runs/cancel',
      'post /admin/runs/retry',
      'post /admin/tasks/{name}/pause',
      'post /admin/tasks/{name}/resume',
      'post /openai/{task}/v1/chat/completions',
      'post /runs/{id}/cancel',
      'post /runs/{id}/resume',
      'post /runs/{id}/sub-tasks/{name}/retry',
      'post /session',
      'post /stream-tokens',
      'post /tasks-file/reload',
      'post /tasks/{name}/runs',
      'post /tasks/{name}/runs:batch',
      'post /webhooks',
      'post /webhooks/{webhookId}/deliveries/{event}/redrive',
      'post /webhooks/{webhookId}/redrive',
      'post /webhooks/{webhookId}/rotate-secret',
      'post /webhooks/{webhookId}/test',
    ]);
    const ids = operations.map(({ operationId }) => operationId);
    expect(new Set(ids).size).toBe(operations.length);
    for (const id of ids) expect(id).toMatch(/^[a-z]+(?:[A-Z][a-z]+)*$/);
    expect(ids).toEqual(
      expect.arrayContaining(['createRun', 'createRuns', 'getRun', 'listRuns', 'watchRun']),
    );
  });

  test('has HEAD wherever it has GET, with the same answers, but for their bodies', () => {
    for (const { get, head } of Object.values(document.paths)) {
      expect(head?.operationId).toBe(get && `${get.operationId!}Head`);
      expect(Object.keys(head?.responses ?? {})).toEqual(Object.keys(get?.responses ?? {}));
      const responses = inFull((head?.responses ?? {}) as Operation['responses']);
      expect(JSON.stringify(responses)).not.toContain('"content":');
    }
  });

  test('describes problems that several operations answer with alike once', () => {
    const inPlace = Object.entries(document.paths).flatMap(([path, item]) =>
      path.startsWith('/health/')
        ? []
        : Object.values(withoutHead(item)).flatMap(({ responses }) =>
            Object.values(responses).filter((response) => response.content?.['application/problem+json']),
          ),
    );
    const texts = inPlace.map((response) => JSON.stringify(response));
    expect(new Set(texts).size).toBe(texts.length);
    expect(document.components!.responses).toHaveProperty('BadRequestOrInvalidRequest');
  });

  describe('as /docs shows it', () => {
    let shown: OpenAPIObject;
    beforeAll(async () => {
      const { text } = await service.http.get('/docs/swagger-ui-init.js').expect(200);
      const options = /^ *let options = (\{[^]*?^\});/m.exec(text)![1]!;
      shown = (JSON.parse(options) as { swaggerDoc: OpenAPIObject }).swaggerDoc;
    });
    const operationsShown = () =>
      Object.values(shown.paths).flatMap((item) => Object.values(item as Record<string, Operation>));

    test('has no HEAD, which would double the page', () => {
      for (const item of Object.values(shown.paths)) expect(item).not.toHaveProperty('head');
      expect(operationsShown()).toHaveLength(operations.length);
    });

    test('fills no form with what a caller need not send, nor with a run or a key of earlier', () => {
      for (const { parameters, requestBody } of operationsShown()) {
        for (const parameter of parameters as (Operation['parameters'][number] & { required: boolean })[]) {
          if (parameter.required && !/^(id|webhookId|event)$/.test(parameter.name)) continue;
          expect(parameter).not.toHaveProperty('example');
          for (const name of ['example', 'examples', 'default'])
            expect(parameter.schema).not.toHaveProperty(name);
        }
        expect(JSON.stringify(requestBody ?? {})).not.toContain('idempotencyKey');
      }
      const limit = shown.paths['/runs']!.get!.parameters!.find(
        (one) => 'name' in one && one.name === 'limit',
      );
      expect(limit).toMatchObject({ description: 'How many runs to show at most. Default: `50`.' });
    });

    test('has the problems that any request may meet in one place, and others where they belong', () => {
      const responses = shown.paths['/runs/{id}']!.get!.responses as Operation['responses'];
      expect(Object.keys(responses)).toEqual(['200', '303', '304', '400', '404', '503', 'default']);
      expect(responses.default!.description).toMatch(
        /401 `unauthorized`.*429 `too-many-requests`.*`\/problems`/,
      );
    });

    test('says how to see a stream, which Swagger UI shows when it has ended', () => {
      const { description } = shown.paths['/runs/{id}/events']!.get!;
      expect(description).toMatch(/`curl -N .*`\/ui`\.$/);
    });

    test('asks for no cookie, which a page can’t set', () => {
      expect(JSON.stringify(shown)).not.toContain('"session":[');
      expect(shown.components!.securitySchemes).not.toHaveProperty('session');
    });

    test('fits phones', async () => {
      for (const path of ['/docs', '/docs/'])
        expect((await service.http.get(path).expect(200)).text).toContain(
          '<meta name="viewport" content="width=device-width, initial-scale=1">',
        );
    });
  });

  test('says that lists in queries are separated by commas, but for labels, whose values may have commas', () => {
    const lists = operations.flatMap(({ parameters }) =>
      parameters.filter(({ schema }) => 'items' in schema),
    );
    expect(new Set(lists.map(({ name }) => name))).toEqual(new Set(['label', 'status', 'type']));
    for (const list of lists) expect(list).toMatchObject({ style: 'form', explode: list.name === 'label' });
  });

  test('says of every operation in a line and in full what it does, and puts it under one known tag', () => {
    const tags = document.tags?.map(({ name }) => name);
    for (const operation of operations) {
      expect(operation).toMatchObject({
        summary: expect.stringMatching(/^.{5,60}$/),
        description: expect.stringMatching(/^[^]{15,}$/),
      });
      expect(operation.tags).toEqual([expect.any(String)]);
      expect(tags).toContain(operation.tags[0]);
    }
  });

  test('has an example or the choice of every parameter, and examples of every request and response', () => {
    const without = operations.flatMap(({ name, parameters, requestBody, responses }) => [
      ...parameters
        .filter(({ schema, example }) => !(example ?? schema.example ?? schema.enum))
        .map(() => `${name} parameter`),
      ...Object.entries({ request: requestBody, ...responses }).flatMap(([part, described]) =>
        Object.entries(described?.content ?? {})
          .filter(([, content]) => examplesOf(content).length === 0)
          .map(([type]) => `${name} ${part} ${type}`),
      ),
    ]);
    expect(without).toEqual([]);
  });

  test('has every error as a problem document, with examples that are true; to clients of OpenAI as they know it', () => {
    for (const { name, responses } of operations) {
      for (const [status, { description, content }] of Object.entries(responses)) {
        expect(description).toMatch(/\S/);
        if (Number(status) < 400) continue;
        if (name.includes(' /openai/')) {
          const schema = { $ref: '#/components/schemas/OpenAiError' };
          expect(content).toEqual({ 'application/json': { schema } });
          continue;
        }
        expect(Object.keys(content ?? {})).toEqual(['application/problem+json']);
        const { schema, examples = {} } = content!['application/problem+json']!;
        expect(schema.$ref).toBe('#/components/schemas/Problem');
        for (const [code, { value }] of Object.entries(examples)) {
          const { title } = problemTypes[code as keyof typeof problemTypes];
          expect(value).toMatchObject({ type: `/problems/${code}`, title, status: Number(status) });
        }
      }
    }
  });

  test('says which key each operation needs, and that health needs none', () => {
    expect(document.components?.securitySchemes).toMatchObject({
      apiKey: { type: 'http', scheme: 'bearer' },
      apiKeyHeader: { type: 'apiKey', in: 'header', name: 'X-API-Key' },
      streamToken: { type: 'apiKey', in: 'query', name: 'token' },
      session: { type: 'apiKey', in: 'cookie', name: 'frontrunner' },
    });
    for (const { security } of operations)
      for (const [index, { apiKey }] of security.entries())
        if (index === 0)
          expect(security.slice(0, 3)).toEqual([{ apiKey }, { apiKeyHeader: apiKey }, { session: apiKey }]);
    const needed = operations.map(({ name, security }) => [name, security.slice(0, 1)]);
    expect(Object.fromEntries(needed)).toMatchObject({
      'get /health/live': [],
      'get /health/ready': [],
      'get /session': [],
      'post /session': [],
      'delete /session': [],
      'get /problems': [{ apiKey: [] }],
      'get /problems/{code}': [{ apiKey: [] }],
      'get /tasks': [{ apiKey: [] }],
      'get /tasks.schema.json': [{ apiKey: [] }],
      'get /tasks/{name}': [{ apiKey: [] }],
      'get /openai/{task}/v1/models': [{ apiKey: [] }],
      'post /openai/{task}/v1/chat/completions': [{ apiKey: ['runs:write'] }],
      'get /run-tasks': [{ apiKey: ['runs:write'] }],
      'get /metrics': [{ apiKey: ['metrics:read'] }],
      'get /runs/{id}': [{ apiKey: ['runs:read'] }],
      'get /events': [{ apiKey: ['runs:read'] }],
      'get /runs/{id}/events': [{ apiKey: ['runs:read'] }],
      'post /stream-tokens': [{ apiKey: ['runs:read'] }],
      'post /tasks/{name}/runs': [{ apiKey: ['runs:write'] }],
      'get /webhooks': [{ apiKey: ['webhooks:write', 'runs:read'] }],
      'patch /webhooks/{webhookId}': [{ apiKey: ['webhooks:write', 'runs:read'] }],
    });
    const byToken = operations.filter(({ security }) => security.some((by) => by.streamToken));
    expect(byToken.map(({ name }) => name)).toEqual([
      'get /events',
      'get /runs/{id}/events',
      'get /runs/{id}/stream',
    ]);
    expect(needed.filter(([, security]) => security === undefined)).toEqual([]);
  });

  test('says of every operation but health how it refuses those without a key, and those past the rate limit', () => {
    for (const { name, responses } of operations) {
      if (name.includes('/health/')) {
        for (const status of [401, 403, 429]) expect(responses).not.toHaveProperty(String(status));
        continue;
      }
      expect(responses['401']?.headers).toHaveProperty('WWW-Authenticate');
      expect(responses['403']?.headers).toHaveProperty('WWW-Authenticate');
      expect(responses['429']?.headers).toHaveProperty('Retry-After');
      for (const { headers } of Object.values(responses))
        for (const field of ['RateLimit', 'RateLimit-Policy'])
          expect(headers).toHaveProperty(field, { $ref: `#/components/headers/${field}` });
    }
  });

  test('has examples of requests that the service takes', async () => {
    const { content } = operations.find(({ name }) => name === 'post /tasks/{name}/runs')!.requestBody!;
    for (const request of examplesOf(content['application/json']!)) {
      expect(runRequestSchema.safeParse(request).error).toBeUndefined();
      // Tests send nothing to other machines.
      if ('webhooks' in (request as object)) continue;
      const { runId } = await service.answer('demo', request as object);
      await service.event(runId, 'run.finished');
    }
  });

  test('has the headers that every request may have and every answer has', () => {
    for (const { parameters, responses } of operations) {
      const headers = parameters.filter((parameter) => parameter.in === 'header').map(({ name }) => name);
      expect(headers).toEqual(expect.arrayContaining(['X-Request-Id', 'traceparent']));
      for (const { headers } of Object.values(responses))
        expect(Object.keys(headers ?? {})).toEqual(expect.arrayContaining(['X-Request-Id', 'Cache-Control']));
    }
  });

  test('has the statuses that any request may meet, and those that any body may meet', () => {
    for (const { name, responses } of operations) {
      const statuses = ['400', '405', '406', '408', '417', '431', '500'];
      if (/^(post|patch)/.test(name)) statuses.push('413', '415');
      expect(Object.keys(responses)).toEqual(expect.arrayContaining(statuses));
    }
  });

  test('refers only to what it has', () => {
    expect(JSON.stringify(document)).not.toContain('$defs');
    for (const [, kind, name] of JSON.stringify(document).matchAll(/"#\/components\/(\w+)\/([^"]+)"/g)) {
      expect(document.components).toHaveProperty([kind!, name!]);
    }
  });

  test('is shown by Swagger UI, whose page leads to everything it needs', async () => {
    const page = await service.http
      .get('/docs')
      .expect(200)
      .expect('Content-Type', /^text\/html/);
    const assets = [...page.text.matchAll(/(?:src|href)="\.\/([^"]+)"/g)].map(([, path]) => `/${path!}`);
    expect(assets.filter((path) => /\.(js|css)$/.test(path)).length).toBeGreaterThanOrEqual(4);
    for (const asset of assets) {
      const response = await service.http.get(asset).expect(200).buffer();
      const body: unknown = response.body;
      expect(Buffer.isBuffer(body) ? body.length : response.text.length).toBeGreaterThan(100);
    }
    const init = await service.http.get('/docs/swagger-ui-init.js').expect(200);
    expect(init.text).toContain('/tasks/{name}/runs');
  });
});
