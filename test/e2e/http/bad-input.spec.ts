import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import { ControlledTask } from '../../support/controlled-task.js';
import { FACES } from '../../support/faces.js';
import { expectProblem } from '../../support/problem.js';
import { TestApp } from '../../support/test-app.js';

const LEVELS = 50_000;
const orders = new ControlledTask(
  'orders',
  { stock: {}, price: {} },
  {
    input: z.strictObject({
      lines: z.array(z.object({ sku: z.string(), amount: z.int() })),
      labels: z.record(z.string(), z.string()).optional(),
    }),
  },
);
const lines = [{ sku: 'A-1', amount: 1 }];

const mistakes: { request: object; pointers: string[] }[] = [
  { request: { reply: { policy: 'fastest' } }, pointers: ['/reply/policy'] },
  { request: { reply: 'first-success' }, pointers: ['/reply'] },
  { request: { reply: { policy: 'primary' } }, pointers: ['/reply/primary'] },
  { request: { reply: { policy: 'primary', primary: 'nobody' } }, pointers: ['/reply/primary'] },
  { request: { reply: { policy: 'quorum', quorum: 3 } }, pointers: ['/reply/quorum'] },
  { request: { reply: { policy: 'quorum', quorum: 0 } }, pointers: ['/reply/quorum'] },
  { request: { reply: { policy: 'quorum', quorum: 1.5 } }, pointers: ['/reply/quorum'] },
  { request: { reply: { policy: 'all', among: ['stock'] } }, pointers: ['/reply/among'] },
  { request: { labels: { tenant: 1 } }, pointers: ['/labels/tenant'] },
  { request: { labels: { '': 'x' } }, pointers: ['/labels/'] },
  { request: { labels: { 'a:b': 'x' } }, pointers: ['/labels/a:b'] },
  { request: { labels: { a: '' } }, pointers: ['/labels/a'] },
  { request: { labels: { a: 'x'.repeat(129) } }, pointers: ['/labels/a'] },
  { request: { labels: { a: 'x\ny', b: '\ud800' } }, pointers: ['/labels/a', '/labels/b'] },
  {
    request: { labels: Object.fromEntries(Array.from({ length: 9 }, (_, n) => [`l${n}`, 'x'])) },
    pointers: ['/labels'],
  },
  { request: { labels: ['a:b'] }, pointers: ['/labels'] },
  { request: { reply: { policy: 'all', min: 1 } }, pointers: ['/reply/min'] },
  { request: { reply: { policy: 'deadline' } }, pointers: ['/reply/deadline'] },
  { request: { reply: { policy: 'deadline', deadline: '0ms' } }, pointers: ['/reply/deadline'] },
  { request: { deadline: 5 }, pointers: ['/deadline'] },
  { request: { reply: { policy: 'agreement', agreement: 1 } }, pointers: ['/reply/agreement'] },
  { request: { reply: { policy: 'agreement', agreement: 3 } }, pointers: ['/reply/agreement'] },
  {
    request: { reply: { policy: 'agreement', agreement: 2, pointer: 'a', ignore: ['/~2'] } },
    pointers: ['/reply/pointer', '/reply/ignore/0'],
  },
  { request: { losers: 'stop' }, pointers: ['/losers'] },
  { request: { timeout: '2s', prio: 1 }, pointers: ['/timeout', '/prio'] },
  { request: { constructor: 1, prototype: 2 }, pointers: ['/constructor', '/prototype'] },
  { request: { input: null }, pointers: ['/input'] },
  { request: {}, pointers: ['/input'] },
  { request: { input: {} }, pointers: ['/input/lines'] },
  {
    request: { input: { lines: [...lines, { sku: 2, amount: 0.5 }] } },
    pointers: ['/input/lines/1/sku', '/input/lines/1/amount'],
  },
  { request: { input: { lines, 'a/b~c': 1 } }, pointers: ['/input/a~1b~0c'] },
  { request: { input: { lines, labels: { 'x/y': 1 } } }, pointers: ['/input/labels/x~1y'] },
  { request: { reply: { policy: 'x' }, losers: 'y', z: 1 }, pointers: ['/reply/policy', '/losers', '/z'] },
];

describe.each(FACES)('%s: an input that does not fit', (face) => {
  let service: TestApp;
  beforeAll(async () => {
    service = await TestApp.start({ face, providers: orders.providers });
  });
  afterAll(async () => {
    expect(service.events).toEqual([]);
    await service.close();
  });

  const send = (body: string) => service.http.post('/tasks/orders/runs').type('application/json').send(body);

  test.each(['{"input": {', '{input: 1}', 'hello', '{"input": 1}}', '\u0000'])(
    'is called malformed when it is not JSON: %j',
    async (body) => {
      await expectProblem(service, await send(body), 400, 'malformed-json');
    },
  );

  test.each(mistakes)(
    'is answered with a pointer to each mistake: $request',
    async ({ request, pointers }) => {
      const response = await service.run('orders', request);
      const { errors, ...rest } = await expectProblem(service, response, 400, 'invalid-request');
      expect(errors).toEqual(pointers.map((pointer) => ({ pointer, detail: expect.stringMatching(/\S/) })));
      expect(rest).toEqual({});
    },
  );

  test('is answered with the first hundred mistakes, and labels are counted before they are looked at', async () => {
    const many = Object.fromEntries(Array.from({ length: 5_000 }, (_, n) => [`m${n}`, 1]));
    const unknown = await expectProblem(service, await service.run('orders', many), 400, 'invalid-request');
    expect(unknown.errors).toHaveLength(100);
    const labels = await service.run('orders', { labels: many });
    const { errors } = await expectProblem(service, labels, 400, 'invalid-request');
    expect(errors).toEqual([{ pointer: '/labels', detail: 'takes at most 8 labels' }]);
  });

  test.each(['soon', '-1s', '5', '25d', '1 parsec', 5_000, null])(
    'is refused for a duration such as %j',
    async (after) => {
      const response = await service.run('orders', { losers: { policy: 'cancel-after', after } });
      const { errors } = await expectProblem(service, response, 400, 'invalid-request');
      expect(errors).toEqual([{ pointer: expect.stringMatching(/^\/losers/), detail: expect.any(String) }]);
    },
  );

  test('tells what the sub-tasks are called when the primary is none of them', async () => {
    const response = await service.run('orders', { reply: { policy: 'primary', primary: 'prize' } });
    const { errors } = await expectProblem(service, response, 400, 'invalid-request');
    expect(JSON.stringify(errors)).toMatch(/prize.*orders.*stock, price/);
  });

  test('is refused for an integer that a double can’t hold where the schema takes numbers, with all of its digits read', async () => {
    const body = '{"input": {"lines": [{"sku": "A-1", "amount": 175928847299117063}]}}';
    const { errors } = await expectProblem(service, await send(body), 400, 'invalid-request');
    const detail = 'is an integer outside of ±(2^53 - 1), which is not taken here';
    expect(errors).toEqual([{ pointer: '/input/lines/0/amount', detail }]);
    const endless = await expectProblem(service, await send('{"input": 1e400}'), 400, 'invalid-request');
    expect(endless.errors).toEqual([{ pointer: '', detail: 'has a number out of range' }]);
  });

  test.each(['{"__proto__": {"input": 1}}', '{"input": {"lines": [{"__proto__": {"admin": true}}]}}'])(
    'is refused for a key __proto__: %s',
    async (body) => {
      const { errors } = await expectProblem(service, await send(body), 400, 'invalid-request');
      expect(errors).toEqual([{ pointer: expect.any(String), detail: expect.stringContaining('__proto__') }]);
      expect(({} as { admin?: boolean }).admin).toBeUndefined();
    },
  );

  test.each([
    '['.repeat(LEVELS) + ']'.repeat(LEVELS),
    `{"input":${'['.repeat(LEVELS)}${']'.repeat(LEVELS)}}`,
    `{"input":${'{"a":'.repeat(LEVELS / 4)}1${'}'.repeat(LEVELS / 4)}}`,
  ])('is refused when it is nested ever so deep, and the service goes on', async (body) => {
    const { errors } = await expectProblem(service, await send(body), 400, 'invalid-request');
    expect(errors).toEqual([{ pointer: expect.any(String), detail: expect.stringContaining('levels deep') }]);
    await service.http.get('/health/live').expect(200);
  });

  test.each(['[]', '"input"', '7', 'true', 'null'])('is refused when it is no object: %s', async (body) => {
    const { errors } = await expectProblem(service, await send(body), 400, 'invalid-request');
    expect(errors).toEqual([{ pointer: '', detail: expect.any(String) }]);
  });
});
