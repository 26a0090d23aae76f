import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import { ControlledTask } from '../../support/controlled-task.js';
import { TestApp } from '../../support/test-app.js';

const order = z.object({
  sku: z.string().min(3),
  amount: z.number().int().default(1),
});
const orders = new ControlledTask(
  'orders',
  {
    stock: {
      timeout: '2s',
      retry: { attempts: 3, delay: '50ms', maxDelay: '1s' },
      concurrency: 4,
      placement: 'worker',
    },
    price: {},
  },
  {
    input: order,
    reply: { policy: 'primary', primary: 'price' },
    losers: { policy: 'cancel-after', after: '2s' },
    deadline: '1h',
  },
);

describe('GET /tasks', () => {
  let service: TestApp;
  beforeAll(async () => {
    service = await TestApp.start({ providers: orders.providers });
  });
  afterAll(() => service.close());

  test('lists the tasks of all modules, each as its own address shows it', async () => {
    const response = await service.http.get('/tasks').expect(200);
    const { tasks } = response.body as { tasks: { name: string }[] };
    expect(tasks.map(({ name }) => name).toSorted()).toEqual(['demo', 'orders']);
    for (const task of tasks) {
      await service.http.get(`/tasks/${task.name}`).expect(200, task);
    }
  });

  test('shows the sub-tasks, the policies and the JSON Schema of the input as the task declares them', async () => {
    const response = await service.http.get('/tasks/orders').expect(200);
    expect(response.body).toEqual({
      name: 'orders',
      subTasks: [
        {
          name: 'stock',
          timeoutMs: 2_000,
          retry: { attempts: 3, delayMs: 50, maxDelayMs: 1_000, maxWaitMs: 1_000 },
          concurrency: 4,
          placement: 'worker',
          start: 'at-once',
        },
        {
          name: 'price',
          timeoutMs: 60_000,
          retry: { attempts: 1, delayMs: 100, maxDelayMs: 10_000, maxWaitMs: 10_000 },
          concurrency: null,
          placement: 'here',
          start: 'at-once',
        },
      ],
      reply: { policy: 'primary', primary: 'price' },
      losers: { policy: 'cancel-after', after: '2s' },
      deadline: '1h',
      order: 'declared',
      hedgeBudget: 0.1,
      input: {
        $schema: 'https://json-schema.org/draft/2020-12/schema',
        type: 'object',
        properties: {
          sku: { type: 'string', minLength: 3 },
          amount: expect.objectContaining({ type: 'integer', default: 1 }),
        },
        required: ['sku'],
      },
    });
  });

  test('shows the defaults of a task that declares nothing but its sub-tasks', async () => {
    const response = await service.http.get('/tasks/demo').expect(200);
    expect(response.body).toMatchObject({
      reply: { policy: 'first-success' },
      losers: 'continue',
      input: {},
    });
  });

  test('gives the sub-tasks what the schema makes of the input, and keeps the input as it was sent', async () => {
    const answer = service.answer('orders', { input: { sku: 'A-1' } });
    const { stock, price } = await orders.all();
    expect(stock.input).toEqual({ sku: 'A-1', amount: 1 });
    expect(price.input).toEqual({ sku: 'A-1', amount: 1 });
    stock.succeed(1);
    price.succeed(2);
    const { runId } = await answer;
    expect((await service.showRun(runId)).input).toEqual({ sku: 'A-1' });
  });
});
