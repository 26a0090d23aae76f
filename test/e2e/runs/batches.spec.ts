import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { z } from 'zod';
import { ControlledTask } from '../../support/controlled-task.js';
import { DurableService } from '../../support/durable-service.js';
import { FACES } from '../../support/faces.js';
import { inlineTask } from '../../support/inline-task.js';
import { JournalCalls } from '../../support/journal-calls.js';
import { expectProblem } from '../../support/problem.js';
import { TestApp } from '../../support/test-app.js';

interface Entry {
  readonly status: number;
  readonly id?: string;
  readonly runId?: string;
  readonly replayed?: boolean;
  readonly type?: string;
}
interface BatchAnswer {
  readonly accepted: number;
  readonly refused: number;
  readonly runs: readonly Entry[];
}

const MAX_BYTES = 2_048;
const race = new ControlledTask('race', { only: { concurrency: 1 } });
const quick = inlineTask('quick', { only: { run: (input) => input } });
const strict = inlineTask(
  'strict',
  { only: { run: () => 'done' } },
  {
    input: z.object({ sku: z.string() }).transform((order) => {
      if (order.sku === 'bug') throw new Error('a bug of the schema');
      return order;
    }),
  },
);

async function send(service: TestApp, runs: readonly unknown[], task = 'quick'): Promise<BatchAnswer> {
  const response = await service.http.post(`/tasks/${task}/runs:batch`).send({ runs }).expect(200);
  return response.body as BatchAnswer;
}
const idsOf = ({ runs }: BatchAnswer) => runs.map(({ id }) => id);

describe.each(FACES)('%s: POST /tasks/{name}/runs:batch', (face) => {
  let service: TestApp;
  beforeAll(async () => {
    service = await TestApp.start({
      face,
      env: { MAX_INPUT_BYTES: `${MAX_BYTES}b`, MAX_QUEUED_RUNS: '2', SHUTDOWN_GRACE: '0ms' },
      providers: [...race.providers, ...quick, ...strict],
    });
  });
  afterAll(() => service.close());

  test('starts a run for each of 1,000 items, and tells of them in the order of the items', async () => {
    const before = service.runsStarted;
    const answer = await send(
      service,
      Array.from({ length: 1_000 }, (_, input) => ({ input, labels: { batch: 'large' } })),
    );
    expect(answer).toMatchObject({ accepted: 1_000, refused: 0 });
    expect(service.runsStarted).toBe(before + 1_000);
    for (const index of [0, 1, 500, 999]) {
      const entry = answer.runs[index]!;
      const { id } = entry;
      expect(entry).toEqual({
        status: 202,
        id,
        runId: id,
        replayed: false,
        links: { run: `${service.base}/runs/${id}` },
      });
      expect(await service.finishedRun(id!)).toMatchObject({ input: index, labels: { batch: 'large' } });
    }
  });

  test('waits for no reply, and refuses the runs past a bound alone, whose keys stay free', async () => {
    const items = [1, 2, 3, 4, 5].map((input) => ({ input, idempotencyKey: `bound-${input}` }));
    const answer = await send(service, items, 'race');
    expect(answer).toMatchObject({ accepted: 3, refused: 2 });
    expect(answer.runs.map(({ status }) => status)).toEqual([202, 202, 202, 503, 503]);
    expect(answer.runs[3]).toMatchObject({
      type: `${service.base}/problems/overloaded`,
      instance: `${service.base}/tasks/race/runs:batch`,
    });
    for (let run = 0; run < 3; run += 1) (await race.next('only')).succeed();
    await service.event(answer.runs[2]!.id!, 'run.finished');
    const again = await send(service, items.slice(2), 'race');
    expect(again.runs.map(({ status, replayed }) => [status, replayed])).toEqual([
      [202, true],
      [202, false],
      [202, false],
    ]);
    for (let run = 0; run < 2; run += 1) (await race.next('only')).succeed();
    await service.event(again.runs[2]!.id!, 'run.finished');
  });

  test('refuses wrong items alone, each with a problem document that points at what is wrong', async () => {
    const good = { input: { sku: 'A-1' } };
    const answer = await send(
      service,
      [
        good,
        { input: { sku: 1 } },
        { ...good, inputs: 1 },
        'no object',
        { ...good, reply: { policy: 'primary', primary: 'none' } },
        { ...good, idempotencyKey: 'tab\t' },
        { ...good, labels: { 'no name': '1' } },
        good,
      ],
      'strict',
    );
    expect(answer).toMatchObject({ accepted: 2, refused: 6 });
    const pointers = answer.runs.map((entry) =>
      entry.status === 202 ? 'run' : (entry as { errors?: { pointer: string }[] }).errors?.[0]?.pointer,
    );
    expect(pointers).toEqual([
      'run',
      '/runs/1/input/sku',
      '/runs/2/inputs',
      '/runs/3',
      '/runs/4/reply/primary',
      '/runs/5/idempotencyKey',
      '/runs/6/labels/no name',
      'run',
    ]);
    expect(answer.runs[1]).toMatchObject({
      type: `${service.base}/problems/invalid-request`,
      title: 'Invalid request',
      status: 400,
      instance: `${service.base}/tasks/strict/runs:batch`,
    });
  });

  test('refuses an item that is too large alone, and one that the service fails over', async () => {
    const large = { input: { sku: 'x'.repeat(MAX_BYTES) } };
    const answer = await send(
      service,
      [large, { input: { sku: 'bug' } }, { input: { sku: 'A-1' } }],
      'strict',
    );
    expect(answer.runs).toMatchObject([
      {
        status: 413,
        type: `${service.base}/problems/payload-too-large`,
        detail: expect.stringContaining('2048'),
      },
      { status: 500, type: `${service.base}/problems/internal-error` },
      { status: 202 },
    ]);
    expect(JSON.stringify(answer)).not.toContain('a bug of the schema');
    expect(service.log.lines).toContainEqual(
      expect.objectContaining({ level: 'error', msg: 'a bug of the schema' }),
    );
  });

  test('gives the same runs to the same items with keys, in another batch, in the same one, or alone', async () => {
    const items = ['a', 'b', 'c'].map((input) => ({ input, idempotencyKey: `key "${input}"` }));
    const first = await send(service, [...items, items[0]]);
    expect(first.runs.map(({ replayed }) => replayed)).toEqual([false, false, false, true]);
    expect(first.runs[3]!.id).toBe(first.runs[0]!.id);
    const again = await send(service, [...items, items[0]]);
    expect(idsOf(again)).toEqual(idsOf(first));
    expect(again.runs.every(({ replayed }) => replayed)).toBe(true);
    const changed = await send(service, [items[0], { ...items[1], input: 'other' }, items[2]]);
    expect(changed.runs).toMatchObject([
      { status: 202, replayed: true },
      { status: 422, type: `${service.base}/problems/idempotency-key-reused`, runId: first.runs[1]!.id },
      { status: 202, replayed: true },
    ]);
    const alone = await service.http
      .post('/tasks/quick/runs')
      .set('Idempotency-Key', '"key \\"a\\""')
      .send({ input: 'a' })
      .expect(200);
    expect(alone.body).toMatchObject({ id: first.runs[0]!.id });
  });

  test.each([
    ['nothing', {}, '/runs'],
    ['null', null, ''],
    ['no item', { runs: [] }, '/runs'],
    ['1,001 items', { runs: Array.from({ length: 1_001 }, () => ({})) }, '/runs'],
    ['another member', { runs: [{}], wait: 1 }, '/wait'],
  ])('is refused as a whole with %s', async (_what, body, pointer) => {
    const before = service.runsStarted;
    const response = await service.http
      .post('/tasks/quick/runs:batch')
      .type('application/json')
      .send(JSON.stringify(body));
    const { errors } = await expectProblem(service, response, 400, 'invalid-request');
    expect(errors).toEqual([{ pointer, detail: expect.any(String) }]);
    expect(service.runsStarted).toBe(before);
  });

  test('is refused as a whole for an unknown task, with one key for all, and past 1 MiB', async () => {
    const post = (task: string) => service.http.post(`/tasks/${task}/runs:batch`);
    const before = service.runsStarted;
    await expectProblem(service, await post('none').send({ runs: [{}] }), 404, 'task-unknown');
    const keyed = await post('quick')
      .set('Idempotency-Key', '"all"')
      .send({ runs: [{}] });
    const { errors } = await expectProblem(service, keyed, 400, 'invalid-request');
    expect(errors).toEqual([
      { header: 'Idempotency-Key', detail: expect.stringContaining('idempotencyKey') },
    ]);
    const full = JSON.stringify({ runs: [{}] }).padEnd(2 ** 20);
    const large = post('quick').type('application/json').send(`${full} `);
    await expectProblem(service, await large, 413, 'payload-too-large');
    expect(service.runsStarted).toBe(before);
    await post('quick').type('application/json').send(full).expect(200);
  });
});

describe('a batch, on SQLite,', () => {
  let durable: DurableService;
  let commits: JournalCalls;
  beforeEach(() => {
    commits = new JournalCalls();
    durable = new DurableService();
  });
  afterEach(async () => {
    await durable.end();
    jest.restoreAllMocks();
  });

  test('is one commit, with keys and without, and gives the same runs after a restart', async () => {
    const task = new ControlledTask('held', { only: {} });
    const service = await durable.start(task.providers);
    const items = Array.from({ length: 200 }, (_, input) =>
      input % 2 === 0 ? { input } : { input, idempotencyKey: `item-${input}` },
    );
    const before = commits.tries;
    const answer = await send(service, items, 'held');
    expect(answer.accepted).toBe(200);
    expect(commits.tries).toBe(before + 1);
    const next = await durable.start(task.providers);
    const again = await send(next, items, 'held');
    for (const [index, { id, replayed }] of again.runs.entries()) {
      expect(replayed).toBe(index % 2 === 1);
      expect(id === answer.runs[index]!.id).toBe(index % 2 === 1);
    }
  });
});
