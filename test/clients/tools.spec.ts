import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ApiKeys } from '../support/api-keys.js';
import { inlineTask } from '../support/inline-task.js';
import { temporaryDirectory } from '../support/temporary-directory.js';
import { TestApp } from '../support/test-app.js';
import { ROOT } from '../support/type-check.js';
import { exampleRequests, type ExampleRequest } from './example-requests.js';
import { run, start } from './programs.js';

const DOCUMENT = join(ROOT, 'openapi.json');

const providers = [
  ...inlineTask('fails', { first: { run: () => Promise.reject(new Error('no')) } }),
  ...inlineTask('hangs', { first: { run: () => new Promise(() => undefined) } }),
];

describe('tools from npm', () => {
  const directory = temporaryDirectory();
  const keys = new ApiKeys();
  const key = keys.create('all', 'runs:write', 'runs:read');
  let service: TestApp;
  beforeAll(async () => {
    service = await TestApp.start({
      providers,
      key,
      env: { API_KEYS_FILE: keys.path, DEMO_TIME_SCALE: '0.01', SHUTDOWN_GRACE: '0ms' },
    });
  });
  afterAll(async () => {
    await service.close();
    keys.remove();
  });

  test('Spectral has no complaint of openapi.json', async () => {
    const ruleset = join(import.meta.dirname, 'spectral.yaml');
    const complaints = await run(bin('spectral'), 'lint', DOCUMENT, '-r', ruleset, '-f', 'json', '-q');
    expect(JSON.parse(complaints)).toEqual([]);
  });

  test.each([
    ['@hey-api/openapi-ts', 'openapi-ts', ['-i', DOCUMENT, '-o', 'hey'], 'hey/index.ts'],
    ['orval', 'orval', ['--client', 'fetch', '--input', DOCUMENT, '--output', 'orval.ts'], 'orval.ts'],
  ])('%s makes a client of openapi.json that compiles', async (_package, name, args, file) => {
    const [client, output] = [join(directory, file), join(directory, args.at(-1)!)];
    await run(bin(name), ...args.slice(0, -1), output);
    const options = '--ignoreConfig --noEmit --skipLibCheck --strict --target es2024 --module preserve';
    await run(bin('tsc'), ...options.split(' '), '--lib', 'es2025,dom,dom.iterable', client);
  });

  test('newman runs a collection of Postman, which sends Cache-Control: no-cache', async () => {
    const collection = join(import.meta.dirname, 'collection.json');
    const open = await TestApp.start({ env: { DEMO_TIME_SCALE: '0.01' }, amongOthers: true });
    await run(bin('newman'), 'run', collection, '--env-var', `url=${open.url}`);
    await open.close();
  });

  describe('Prism, which validates what goes through it in both directions,', () => {
    let proxy: ReturnType<typeof start>;
    let url: string;
    beforeAll(async () => {
      proxy = start(bin('prism'), ['proxy', DOCUMENT, service.url, '--errors', '--port', '0']);
      for await (const line of createInterface({ input: proxy.stdout })) {
        url = /Prism is listening on (\S+)/.exec(line)?.[1] ?? '';
        if (url !== '') break;
      }
      proxy.stdout.resume();
    });
    afterAll(async () => {
      proxy.kill();
      await once(proxy, 'close');
    });

    /** Sends a request through it. @returns the status of the answer */
    async function send({ method, headers, body }: ExampleRequest, path: string): Promise<number> {
      const response = await fetch(url + path, {
        method,
        headers: { ...headers, Authorization: `Bearer ${key}` },
        ...(body !== undefined && { body }),
      });
      const answer = await response.text();
      expect({ method, path, answer }).not.toMatchObject({ answer: expect.stringContaining('stoplight.io') });
      return response.status;
    }

    test('has no complaint of the examples as they stand', async () => {
      const requests = exampleRequests().filter((request) => !isBeyondPrism(request));
      expect(requests.length).toBeGreaterThan(15);
      for (const request of requests) await send(request, request.path);
    });

    test('has no complaint of them where they are about a run of the service, and they succeed', async () => {
      for (const request of exampleRequests()) {
        const { template, method, headers } = request;
        if (!template.includes('{id}') || template.startsWith('/admin/nodes') || isBeyondPrism(request))
          continue;
        const path = template.replace('{id}', await runFor(template)).replace('{name}', 'first');
        const { 'Content-Type': type } = headers;
        const plain = { ...request, headers: type === undefined ? {} : { 'Content-Type': type } };
        const status = await send(plain, path);
        expect({ method, template, succeeds: status < 300 }).toEqual({ method, template, succeeds: true });
      }
    });

    test('has no complaint of the stream of a run', async () => {
      const stream = { headers: { Accept: 'text/event-stream' } };
      for (const request of exampleRequests().filter(({ template }) => template === '/runs/{id}/events'))
        if (request.method === 'GET')
          expect(await send({ ...request, ...stream }, `/runs/${await runFor('')}/events`)).toBe(200);
    });
  });

  /** A new run: one that goes on where it is to be cancelled, else one that has failed. */
  async function runFor(template: string): Promise<string> {
    const task = template.endsWith('/cancel') ? 'hangs' : 'fails';
    const response = await service.http.post(`/tasks/${task}/runs`).set('Prefer', 'respond-async').send({});
    const id = response.get('Location')!.slice('/runs/'.length);
    if (task === 'fails') await service.event(id, 'run.finished');
    return id;
  }
});

/** Prism reads the answer to HEAD as JSON where its type is JSON, though it has no body, and answers 500. */
function isBeyondPrism({ method, template }: ExampleRequest): boolean {
  return method === 'HEAD' && !template.startsWith('/problems');
}

/** The program of a package, from this folder. */
function bin(name: string): string {
  return `node_modules/.bin/${name}`;
}
