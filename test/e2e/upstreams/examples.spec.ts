import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ExampleUpstreams } from '../../support/example-upstreams.js';
import { temporaryDirectory } from '../../support/temporary-directory.js';
import { TestApp } from '../../support/test-app.js';
import { ROOT } from '../../support/type-check.js';

/** The ports that the examples name, in the order in which their upstreams start. */
const PORTS = [
  ...[
    4001, 4002, 4003, 4004, 4005, 4006, 4007, 4011, 4012, 4013, 4014, 4015, 4016, 4017, 4018, 4019, 4020,
    4021,
  ],
  ...[4022, 4023, 4024],
];

/** What the examples take of the environment; of the nodes the upstreams’ ports. */
const ENVIRONMENT: Readonly<Record<string, string>> = {
  RISK_KEY: 'sesame',
  NORTH_KEY: 'sesame',
  SOUTH_KEY: 'sesame',
  WEATHER_KEY: 'sesame',
  PAYMENT_KEY: 'sesame',
  LEDGER_ACCOUNT: '4400',
  RPC_ALPHA: 'http://127.0.0.1:4022/v3/sesame',
  RPC_BETA: 'http://127.0.0.1:4023/v3/sesame',
  RPC_GAMMA: 'http://127.0.0.1:4024/v3/sesame',
};

describe('the example', () => {
  const directory = temporaryDirectory();
  const upstreams = new ExampleUpstreams('examples/upstreams.mjs', PORTS);
  let service: TestApp;

  beforeAll(async () => {
    await upstreams.start();
    for (const path of globSync('examples/*.yaml', { cwd: ROOT })) {
      const yaml = readFileSync(join(ROOT, path), 'utf8');
      // A busy machine may take a second for what is quick.
      writeFileSync(
        join(directory, basename(path)),
        upstreams.adapt(yaml).replace('deadline: 1s', 'deadline: 3s'),
      );
    }
    const env: Record<string, string> = { TASKS_FILE: directory };
    for (const [name, value] of Object.entries(ENVIRONMENT)) env[name] = upstreams.adapt(value);
    service = await TestApp.start({ env });
  });
  afterAll(async () => {
    await service.close();
    await upstreams.stop();
  });

  const outcomes = async (runId: string) =>
    Object.fromEntries((await service.finishedRun(runId)).subTasks.map(({ name, status }) => [name, status]));

  test('mirrors.yaml answers with the first good mirror, and cuts off the slow one', async () => {
    const { runId, result, answeredBy } = await service.answer('release', { input: { file: 'a b.iso' } });
    expect(answeredBy).toBe('berlin');
    expect(result).toEqual({ file: 'a b.iso', mirror: 'berlin' });
    expect(await outcomes(runId)).toEqual({ berlin: 'succeeded', oslo: 'cancelled', lisbon: 'failed' });
    await upstreams.said('the mirror oslo: the caller is gone');
    const refused = await service.run('release', { input: {} });
    expect(refused.body).toMatchObject({ errors: [{ pointer: '/input/file' }] });
  });

  test('hedged-read.yaml asks the second replica where the first is slow, of ten runs in one at most', async () => {
    const read = (id: number) => service.answer('article', { input: { id } });
    for (let id = 1; id < 10; id += 1) {
      const { runId, result, answeredBy } = await read(id);
      expect({ result, answeredBy }).toEqual({ result: `Article ${id}`, answeredBy: 'replica-1' });
      expect(await outcomes(runId)).toEqual({ 'replica-1': 'succeeded', 'replica-2': 'skipped' });
    }
    const slow = await read(10);
    expect(slow).toMatchObject({ result: 'Article 10', answeredBy: 'replica-2' });
    expect(await outcomes(slow.runId)).toEqual({ 'replica-1': 'cancelled', 'replica-2': 'succeeded' });
    await upstreams.said('replica-1: the caller is gone');
    const next = await read(20);
    expect(next).toMatchObject({ result: 'Article 20', answeredBy: 'replica-1' });
    expect(await service.event(next.runId, 'sub-task.held-back')).toMatchObject({ subTask: 'replica-2' });
  });

  test('enrichment.yaml answers with the order, and keeps the risk that is known later', async () => {
    const { runId, result, answeredBy, background } = await service.answer('order', {
      input: { orderId: 7 },
    });
    expect({ answeredBy, background }).toEqual({ answeredBy: 'order', background: ['risk'] });
    expect(result).toEqual({ orderId: 7, total: '49.90' });
    expect(await service.finishedRun(runId)).toMatchObject({
      status: 'succeeded',
      reply: { result: { orderId: 7 } },
      subTasks: [
        { name: 'order', attempts: 1 },
        { name: 'risk', attempts: 2, failures: 1, result: { orderId: 7, risk: 'low' } },
      ],
    });
  });

  test('provider-failover.yaml goes on to the next provider where one fails, and asks no more than it needs', async () => {
    const messages = [{ role: 'user', content: 'Hello?' }];
    const { runId, result, answeredBy } = await service.answer('chat', { input: { messages } });
    expect({ result, answeredBy }).toEqual({ result: 'big says: Hello?', answeredBy: 'south' });
    const { subTasks } = await service.finishedRun(runId);
    expect(subTasks).toMatchObject([
      { status: 'failed', attempts: 1, error: { upstream: { status: 429 } } },
      { status: 'succeeded', trigger: 'failure' },
      { status: 'skipped' },
    ]);
  });

  test('rpc-quorum.yaml answers with what two nodes agree on, and counts the third one’s dissent', async () => {
    const address = `0x${'a1'.repeat(20)}`;
    const { runId, result, answeredBy } = await service.answer('balance', { input: { address } });
    expect({ result, answeredBy }).toEqual({ result: '0x10', answeredBy: ['alpha', 'gamma'] });
    await service.finishedRun(runId);
    const stats = await service.http.get('/tasks/balance/stats').expect(200);
    const dissents = (stats.body as { subTasks: { dissents: number }[] }).subTasks.map((row) => row.dissents);
    expect(dissents).toEqual([0, 1, 0]);
  });

  test('weather.yaml and search.yaml answer at the deadline with what is there, and name what is not', async () => {
    const [weather, search] = await Promise.all([
      service.answer('weather', { input: { lat: 38.7, lon: -9.1 } }),
      service.answer('search', { input: { q: 'moon', limit: 5 } }),
    ]);
    expect(weather).toMatchObject({ result: { open: 21.4, keyed: 21.9 }, missing: ['stations'] });
    const hits = (name: string) => [{ title: `moon, in ${name}` }];
    expect(search).toMatchObject({
      result: { books: hits('the index of books'), films: hits('the index of films') },
      missing: ['music'],
    });
    await upstreams.said('the weather stations: the caller is gone');
    await upstreams.said('the index of music: the caller is gone');
  });

  test('payment.yaml charges once although its first attempt fails, and keeps the entry in the ledger', async () => {
    const input = { order: 'A-7', amount: 4990, currency: 'EUR', source: 'tok_1' };
    const { runId, result, answeredBy } = await service.answer('payment', { input });
    expect({ result, answeredBy }).toEqual({ result: 'ch_1', answeredBy: 'charge' });
    expect((await service.finishedRun(runId)).subTasks).toMatchObject([
      { attempts: 2, failures: 1, result: 'ch_1' },
      { result: { entry: { account: '4400', order: 'A-7', amount: 4990, state: 'requested' } } },
    ]);
  });
});
