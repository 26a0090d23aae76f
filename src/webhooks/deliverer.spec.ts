import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import type { EventType } from '../core/events.js';
import { Intake } from './intake.js';
import { WebhookStand, type TestNode } from '../../test/support/webhook-node.js';

const BOTH: readonly EventType[] = ['sub-task.started', 'run.replied', 'run.finished'];

describe('Deliverer', () => {
  let stand: WebhookStand;
  let nodes: TestNode[];
  beforeEach(() => {
    // Full jitter waits half of its bound.
    jest.spyOn(Math, 'random').mockReturnValue(0.5);
    stand = new WebhookStand();
    nodes = [];
  });
  afterEach(() => {
    for (const node of nodes) node.kill();
    jest.restoreAllMocks();
  });

  const begin = async () => {
    const node = await stand.node();
    nodes.push(node);
    return node;
  };
  const target = (url: string, events?: readonly EventType[]) =>
    ({ url, secrets: [], ...(events && { events }) }) as never;
  const numbers = (url?: string) =>
    stand.received.filter((one) => url === undefined || one.url === url).map(({ event }) => event);

  test('delivers the events of a webhook of the API as they come, once each', async () => {
    await begin();
    await stand.subscribe('one');
    await stand.run(BOTH);
    await stand.settle();
    expect(stand.received.map(({ message }) => [message.id, message.type])).toEqual([
      ['3', 'run.replied'],
      ['4', 'run.finished'],
    ]);
    expect(JSON.parse(stand.received[0]?.message.body ?? '')).toMatchObject({ id: 3, type: 'run.replied' });
    await stand.advance(60_000);
    expect(numbers()).toEqual([3, 4]);
    expect(await stand.keeping.get('one')).toMatchObject({ cursor: 4 });
    expect(stand.told.map(({ kind }) => kind)).toEqual(['webhook.delivered', 'webhook.delivered']);
  });

  test('goes on behind the cursor after a stop, and repeats nothing', async () => {
    await stand.subscribe('one');
    const first = await begin();
    await stand.run(BOTH);
    await stand.settle();
    await first.stop();
    await stand.run(BOTH);
    await begin();
    await stand.settle();
    expect(numbers()).toEqual([3, 4, 7, 8]);
  });

  test('takes no old cursor for that of a loop that has ended while it asked what it holds', async () => {
    await stand.subscribe('one');
    const { keeping } = stand;
    let gate: Promise<unknown> = Promise.resolve();
    const late = new Proxy(keeping, {
      get: (target, name: keyof typeof keeping) =>
        name === 'hold'
          ? () => keeping.hold().then((held) => gate.then(() => held))
          : (target[name].bind(target) as unknown),
    });
    nodes.push(await stand.node(late));
    const change = async () => {
      const kept = await keeping.get('one');
      await keeping.change('one', kept?.revision ?? 0, { terms: kept?.terms ?? '', paused: null });
      await stand.settle();
    };
    stand.delayOf = () => 5_000;
    await stand.run(['run.replied']);
    await stand.settle();
    await change();
    const { promise, resolve } = Promise.withResolvers<undefined>();
    gate = promise;
    await change();
    await stand.advance(6_000);
    expect(await keeping.get('one')).toMatchObject({ cursor: 2 });
    resolve(undefined);
    await stand.run(['run.replied']);
    await stand.advance(20_000);
    expect(numbers()).toEqual([2, 4]);
    expect(await keeping.get('one')).toMatchObject({ cursor: 4 });
  });

  test('delivers the webhooks that runs name, two of the same URL too, and no other runs', async () => {
    await stand.addOfRuns();
    await begin();
    await stand.run(BOTH);
    await stand.run(BOTH, [target('https://a.test/'), target('https://a.test/', ['run.started'])]);
    await stand.settle();
    expect(stand.received.map(({ message: { type } }) => type)).toEqual([
      'run.started',
      'run.replied',
      'run.finished',
    ]);
    expect(JSON.parse(stand.received[0]?.message.body ?? '')).not.toHaveProperty('data.webhooks');
  });

  test('knows the webhooks of a run whose first event it hasn’t read', async () => {
    const runId = await stand.run(['run.replied'], [target('https://a.test/')]);
    await stand.addOfRuns();
    await begin();
    await stand.write('run.finished', runId);
    await stand.settle();
    expect(stand.received.map(({ message: { type } }) => type)).toEqual(['run.finished']);
  });

  test('keeps what failed, and what follows in its run behind it, and lets other runs go on', async () => {
    await stand.subscribe('one', { retry: { delay: '10s' } });
    await begin();
    stand.answerOf = (_url, { id }) => (id === '2' ? 500 : 'ok');
    await stand.run(['run.replied', 'run.finished']);
    await stand.run(['run.replied']);
    await stand.settle();
    expect(numbers()).toEqual([2, 5]);
    await stand.advance(1_000);
    const rows = await stand.rows('waiting');
    expect(rows.map(({ event, attempts }) => [event, attempts])).toEqual([
      [3, 0],
      [2, 1],
    ]);
    expect(await stand.keeping.get('one')).toMatchObject({ cursor: 5 });
    stand.answerOf = () => 'ok';
    await stand.advance(20_000);
    expect(numbers().slice(-2)).toEqual([2, 3]);
    expect(await stand.rows('waiting')).toEqual([]);
    expect(stand.told.map(({ kind }) => kind)).toContain('webhook.failing');
  });

  test('gives up after the attempts that are asked for, and then goes on in the run', async () => {
    await stand.subscribe('one', { retry: { attempts: 2, delay: '1s' } });
    await begin();
    stand.answerOf = (_url, { id }) => (id === '2' ? 500 : 'ok');
    await stand.run(['run.replied', 'run.finished']);
    await stand.advance(10_000);
    expect(numbers()).toEqual([2, 2, 3]);
    const [dead] = await stand.rows('dead');
    expect(dead).toMatchObject({ event: 2, attempts: 2 });
    expect(JSON.parse(dead?.report ?? '')).toMatchObject({ status: 500 });
    expect(await stand.keeping.get('one')).toMatchObject({ paused: null });
  });

  test('delivers a dead letter that is redriven', async () => {
    await stand.subscribe('one', { retry: { attempts: 1 } });
    await begin();
    stand.answerOf = () => 500;
    await stand.run(['run.replied']);
    await stand.advance(1_000);
    stand.answerOf = () => 'ok';
    await stand.keeping.redrive({ webhook: 'one' }, stand.clock.now());
    await stand.advance(1_000);
    expect(numbers()).toEqual([2, 2]);
    expect(await stand.rows('dead')).toEqual([]);
  });

  test('reads no further while its endpoint fails, and nothing is lost by it', async () => {
    await stand.subscribe('one');
    await begin();
    stand.answerOf = () => 500;
    for (let runs = 0; runs < 8; runs += 1) await stand.run(['run.replied']);
    await stand.settle();
    expect(stand.received.length).toBe(5);
    const readOn = jest.spyOn(Intake.prototype, 'readOn');
    for (let runs = 0; runs < 20; runs += 1) await stand.run(['run.replied']);
    await stand.settle();
    expect(readOn).not.toHaveBeenCalled();
    stand.answerOf = () => 'ok';
    await stand.quiet();
    expect(new Set(numbers())).toEqual(new Set(stand.runIds.map((_id, index) => 2 * index + 2)));
    expect(await stand.keeping.get('one')).toMatchObject({ cursor: 56 });
  });

  test('waits as long as Retry-After asks for', async () => {
    await stand.subscribe('one', { retry: { delay: '1ms' } });
    await begin();
    stand.answerOf = () => ({ status: 429, retryAfterMs: 60_000 });
    await stand.run(['run.replied']);
    await stand.advance(59_000);
    expect(numbers()).toEqual([2]);
    stand.answerOf = () => 'ok';
    await stand.advance(3_000);
    expect(numbers()).toEqual([2, 2]);
  });

  test('is late by no more than its clock is set back, and only with what waits', async () => {
    await stand.subscribe('one', { retry: { delay: '10s' } });
    await begin();
    stand.answerOf = () => 500;
    await stand.run(['run.replied', 'run.finished']);
    await stand.advance(1_000);
    stand.answerOf = () => 'ok';
    const { clock } = stand;
    const now = clock.now.bind(clock);
    jest.spyOn(clock, 'now').mockImplementation(() => now() - 600_000);
    await stand.run(['run.replied']);
    await stand.advance(600_000);
    expect(numbers()).toEqual([2, 5]);
    await stand.advance(5_000);
    expect(numbers()).toEqual([2, 5, 2, 3]);
  });

  test('pauses a webhook of the API whose receiver is gone, and loses nothing of what comes then', async () => {
    await stand.subscribe('one');
    await begin();
    stand.answerOf = () => 410;
    await stand.run(BOTH);
    await stand.advance(1_000);
    const kept = await stand.keeping.get('one');
    expect(kept).toMatchObject({ paused: 'gone' });
    expect(stand.told.at(-1)).toMatchObject({ kind: 'webhook.paused', reason: 'gone' });
    await stand.run(BOTH);
    await stand.advance(60_000);
    expect(numbers()).toEqual([3]);
    stand.answerOf = () => 'ok';
    await stand.keeping.change('one', kept?.revision ?? 0, {
      terms: kept?.terms ?? '',
      paused: null,
    });
    await stand.advance(5_000);
    expect(numbers().filter((event) => event < 5)).toEqual([3, 3, 4]);
    expect(numbers().filter((event) => event > 5)).toEqual([7, 8]);
  });

  test('gives up all that follows in a run whose own receiver is gone, without asking it again', async () => {
    await stand.addOfRuns();
    await begin();
    stand.answerOf = () => 410;
    const runId = await stand.run(['run.replied'], [target('https://a.test/')]);
    await stand.settle();
    await stand.write('run.finished', runId);
    await stand.advance(5_000);
    expect(numbers()).toEqual([2]);
    expect((await stand.rows('dead')).map(({ event }) => event)).toEqual([3, 2]);
    expect(await stand.keeping.get('runs')).toMatchObject({ paused: null, cursor: 3 });
  });

  test('asks a receiver of a run that was gone again, when what was given up is redriven', async () => {
    await stand.addOfRuns();
    await begin();
    stand.answerOf = () => 410;
    const runId = await stand.run(['run.replied'], [target('https://a.test/')]);
    await stand.settle();
    await stand.write('run.finished', runId);
    await stand.advance(5_000);
    stand.answerOf = () => 'ok';
    expect(await stand.keeping.redrive({ webhook: 'runs' }, stand.clock.now())).toBe(2);
    await stand.advance(5_000);
    expect(numbers()).toEqual([2, 2, 3]);
    expect(await stand.rows('dead')).toEqual([]);
  });

  test('copies nothing of the log while the endpoint of a webhook of the API fails', async () => {
    await stand.subscribe('one');
    await begin();
    stand.answerOf = () => 500;
    for (let runs = 0; runs < 200; runs += 1) await stand.run(['run.replied']);
    await stand.advance(500);
    expect((await stand.rows('waiting')).length).toBeLessThanOrEqual(25);
    stand.answerOf = () => 'ok';
    await stand.quiet();
    const oks = stand.received.filter(({ answer }) => answer === 'ok').map(({ event }) => event);
    expect(new Set(oks).size).toBe(200);
    expect(oks).toHaveLength(200);
  });

  test('pauses a webhook of the API to which nothing was delivered until a delivery was given up', async () => {
    await stand.subscribe('one', { retry: { attempts: 4, delay: '1h', maxDelay: '6h' } });
    await begin();
    stand.answerOf = () => 500;
    await stand.run(BOTH);
    for (let hours = 0; hours < 40; hours += 1) await stand.advance(3_600_000);
    expect(await stand.keeping.get('one')).toMatchObject({ paused: 'failing' });
  });

  test('lets no endpoint hold up the others of runs, however long it hangs', async () => {
    await stand.addOfRuns();
    await begin();
    stand.answerOf = (url) => (url === 'https://slow.test/' ? 'hang' : 'ok');
    for (let runs = 0; runs < 1_500; runs += 1) {
      await stand.run(['run.replied'], [target(runs % 2 ? 'https://slow.test/' : 'https://fast.test/')]);
      if (runs % 500 === 499) await stand.advance(1_100);
    }
    await stand.advance(2_200);
    expect(numbers('https://fast.test/')).toHaveLength(750);
    expect((await stand.keeping.get('runs'))?.cursor).toBeGreaterThan(1_000);
    for (const { dueAt } of await stand.rows('waiting'))
      expect(dueAt === null || Number.isInteger(dueAt)).toBe(true);
  });

  test('sends an endpoint one at a time at first, and one more with each success, up to its bound', async () => {
    await stand.subscribe('one');
    await begin();
    const begun = new Map<number, number>();
    stand.delayOf = () => {
      const at = stand.clock.elapsed();
      begun.set(at, (begun.get(at) ?? 0) + 1);
      return 100;
    };
    for (let runs = 0; runs < 100; runs += 1) await stand.run(['run.replied']);
    await stand.advance(2_000);
    expect([...begun.values()]).toEqual([1, 2, 4, 8, 16, 20, 20, 20, 9]);
  });

  test('has one request under way at a URL that has never answered', async () => {
    await stand.subscribe('one');
    await begin();
    stand.answerOf = () => 'hang';
    for (let runs = 0; runs < 50; runs += 1) await stand.run(['run.replied']);
    await stand.settle();
    expect(stand.received).toHaveLength(1);
  });

  test('sends what is left to the new URL when its terms change, and nothing twice', async () => {
    await stand.subscribe('one');
    await begin();
    stand.delayOf = () => 100;
    for (let runs = 0; runs < 50; runs += 1) await stand.run(['run.replied']);
    await stand.settle();
    const terms = JSON.stringify({ url: 'https://new.test/', secrets: [] });
    await stand.keeping.change('one', 1, { terms, paused: null });
    await stand.advance(2_000);
    expect(numbers('https://one.test/')).toHaveLength(1);
    expect(numbers('https://new.test/')).toHaveLength(49);
    expect(new Set(numbers()).size).toBe(50);
  });

  test('repeats nothing that was delivered while another one hung, when it stops', async () => {
    await stand.subscribe('one');
    const node = await begin();
    stand.answerOf = (_url, { id }) => (id === '2' ? 'hang' : 'ok');
    for (let runs = 0; runs < 10; runs += 1) await stand.run(['run.replied']);
    await stand.settle();
    await node.stop();
    stand.answerOf = () => 'ok';
    await begin();
    await stand.advance(1_000);
    expect(numbers().filter((event) => event !== 2)).toEqual([4, 6, 8, 10, 12, 14, 16, 18, 20]);
    expect(numbers().filter((event) => event === 2)).toHaveLength(2);
  });

  test('repeats nothing either when it stops right after a change of its webhook', async () => {
    await stand.subscribe('one');
    const node = await begin();
    stand.answerOf = (_url, { id }) => (id === '22' ? 'hang' : 'ok');
    for (let runs = 0; runs < 20; runs += 1) await stand.run(['run.replied']);
    await stand.settle();
    const terms = JSON.stringify({ url: 'https://new.test/', secrets: [] });
    await stand.keeping.change('one', 1, { terms, paused: null });
    await stand.settle();
    await node.stop();
    await stand.advance(15_000);
    expect(stand.clock.nextInMs).toBeUndefined();
    stand.answerOf = () => 'ok';
    await begin();
    await stand.advance(1_000);
    expect(numbers('https://one.test/')).toContain(24);
    expect(numbers('https://new.test/')).toEqual([22]);
  });

  test('cuts off what goes on for half a minute behind a change, also when others follow', async () => {
    await stand.subscribe('one');
    await begin();
    stand.delayOf = (url) => (url === 'https://one.test/' ? 60_000 : 0);
    await stand.run(['run.replied']);
    await stand.settle();
    const terms = JSON.stringify({ url: 'https://new.test/', secrets: [] });
    await stand.keeping.change('one', 1, { terms, paused: null });
    await stand.advance(20_000);
    await stand.keeping.change('one', 2, { terms, paused: null });
    await stand.advance(9_999);
    expect(numbers('https://new.test/')).toEqual([]);
    await stand.advance(1);
    expect(numbers('https://new.test/')).toEqual([2]);
  });

  test('sends nothing of a run that is erased, and keeps nothing of it', async () => {
    await stand.subscribe('one');
    await begin();
    stand.answerOf = () => 500;
    const runId = await stand.run(BOTH);
    await stand.advance(100);
    const before = stand.received.length;
    await stand.journal.erase(runId);
    stand.answerOf = () => 'ok';
    await stand.quiet();
    expect(stand.received).toHaveLength(before);
    expect(await stand.rows('waiting')).toEqual([]);
  });

  test('waits while the journal can’t be asked, and then goes on', async () => {
    await stand.subscribe('one');
    await begin();
    const { keeping } = stand;
    const settle = keeping.settle.bind(keeping);
    keeping.settle = () => Promise.reject(new Error('journal-unavailable'));
    await stand.run(BOTH);
    await stand.advance(180_000);
    keeping.settle = settle;
    await stand.run(BOTH);
    await stand.advance(20_000);
    expect(numbers()).toEqual([3, 4, 7, 8]);
    expect((await keeping.get('one'))?.cursor).toBe(8);
  });

  test('ends at once when another node has the webhook', async () => {
    await stand.subscribe('one');
    await begin();
    const { keeping } = stand;
    keeping.settle = () => Promise.resolve(false);
    keeping.hold = () => Promise.resolve([]);
    await stand.run(BOTH);
    await stand.advance(1_000);
    await stand.run(BOTH);
    await stand.advance(5_000);
    expect(Math.max(...numbers())).toBeLessThanOrEqual(4);
  });

  test('goes on over long stretches in which nothing fits', async () => {
    await stand.subscribe('one', { tasks: ['other'] });
    await stand.subscribe('two', { labels: ['tenant:acme'] });
    for (let runs = 0; runs < 2_000; runs += 1) await stand.run(BOTH);
    await begin();
    await stand.advance(20_000);
    expect(stand.received).toEqual([]);
    expect((await stand.keeping.get('one'))?.cursor).toBe(8_000);
  });

  test('watches nothing while no webhook is there', async () => {
    await begin();
    expect(stand.bus.wanted).toEqual([]);
    await stand.subscribe('one');
    expect(stand.bus.wanted).toBe('all');
    await stand.keeping.remove('one');
    await stand.settle();
    expect(stand.bus.wanted).toEqual([]);
  });
});
