import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { Measures } from '../../../src/core/measures.js';
import { ConnectionMemory } from '../../../src/http/connection-memory.js';
import { Journal } from '../../../src/run/journal.js';
import { Run } from '../../../src/run/run.js';
import { ControlledStream } from '../../support/controlled-stream.js';
import { DurableService } from '../../support/durable-service.js';
import { expectProblem } from '../../support/problem.js';
import { StreamReader } from '../../support/stream-reader.js';
import { TestApp } from '../../support/test-app.js';
import { TestCluster } from '../../support/test-cluster.js';

const KB = 1024;

describe('readers of streams of runs', () => {
  const open: { close(): void }[] = [];
  const ends: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const reader of open.splice(0)) reader.close();
    for (const end of ends.splice(0)) await end();
    jest.useRealTimers();
    jest.restoreAllMocks();
  });

  async function start(service: TestApp, task: string): Promise<StreamReader> {
    const reader = await StreamReader.open(`${service.url}/tasks/${task}/runs`, { body: {} });
    open.push(reader);
    return reader;
  }

  async function read(service: TestApp, runId: string, lastEventId?: string): Promise<StreamReader> {
    const reader = await StreamReader.open(`${service.url}/runs/${runId}/stream`, { lastEventId });
    open.push(reader);
    return reader;
  }

  /** A service on a database, and what stops it in the midst of its runs and starts another one. */
  async function services(database: string, { providers }: ControlledStream<'a'>) {
    if (database === 'SQLite') {
      const durable = new DurableService();
      ends.push(() => durable.end());
      return { first: await durable.start(providers), restarted: () => durable.start(providers) };
    }
    const cluster = new TestCluster();
    ends.push(() => cluster.end());
    const first = await cluster.start(providers);
    const restarted = async () => {
      await cluster.stop(first);
      return cluster.start(providers);
    };
    return { first, restarted };
  }

  const idOf = ({ response }: StreamReader): string => response.headers.location!.split('/').at(-1)!;
  const chunksOf = ({ messages }: StreamReader): unknown[] =>
    messages.flatMap(({ event, data }) =>
      event === 'chunk' ? (JSON.parse(data) as { chunks: unknown[] }).chunks : [],
    );
  const count = (reader: StreamReader, messages: number) =>
    reader.until(() => reader.messages.length === messages);

  async function inMemory(
    { providers }: Pick<ControlledStream<'a'>, 'providers'>,
    env: Record<string, string> = {},
  ): Promise<TestApp> {
    const service = await TestApp.start({ providers, env });
    ends.push(() => service.close());
    return service;
  }

  test.each(['SQLite', 'Postgres'])(
    'read on after a restart of the service in the midst, which tells what is void: %s',
    async (database) => {
      const chat = new ControlledStream('chat', { a: {} });
      const { first, restarted } = await services(database, chat);
      const reader = await start(first, 'chat');
      const a = await chat.next('a');
      a.send('x');
      await count(reader, 1);
      a.send('y');
      await count(reader, 2);
      const [second] = await Promise.all([restarted(), reader.ended]);
      expect(await reader.ended).toEqual({ complete: true });
      const runId = idOf(reader);
      const back = await read(second, runId, reader.lastEventId);
      const again = await chat.next('a');
      expect(again.context.attempt).toBe(2);
      again.send('1');
      await count(back, 2);
      again.end();
      await back.ended;
      const whole = await read(second, runId);
      await whole.ended;
      expect([...reader.messages, ...back.messages]).toEqual(whole.messages);
      expect(whole.messages.map(({ event }) => event)).toEqual([
        ...['chunk', 'chunk', 'restart', 'chunk', 'run.replied'],
      ]);
      expect(chunksOf(back)).toEqual(['1']);
    },
  );

  test('read what another node streams, as it comes', async () => {
    const chat = new ControlledStream('chat', { a: {} });
    const cluster = new TestCluster();
    ends.push(() => cluster.end());
    const node = await cluster.start(chat.providers);
    const other = await cluster.start(chat.providers);
    const reader = await start(node, 'chat');
    const a = await chat.next('a');
    a.send('x');
    await count(reader, 1);
    const there = await read(other, idOf(reader));
    await count(there, 1);
    a.send('y');
    await count(there, 2);
    a.end();
    await Promise.all([reader.ended, there.ended]);
    expect(there.messages).toEqual(reader.messages);
  });

  test('let the upstream wait while they take nothing, and miss nothing when they read on', async () => {
    const chat = new ControlledStream('chat', { a: {} });
    const service = await inMemory(chat, { MAX_RESULT_BYTES: '100mb', MEMORY_BUDGET: '1gb' });
    const held = Promise.withResolvers<undefined>();
    // eslint-disable-next-line @typescript-eslint/unbound-method -- called with its run below
    const { holdStream } = Run.prototype;
    const holds = jest.spyOn(Run.prototype, 'holdStream').mockImplementation(function (this: Run, by) {
      holdStream.call(this, by);
      if (by === 1) held.resolve(undefined);
    });
    const reader = await start(service, 'chat');
    const a = await chat.next('a');
    reader.response.pause();
    const sent = Array.from({ length: 250 }, (_, n) => `${n} `.padEnd(64 * KB, 'x'));
    a.send(...sent);
    await held.promise;
    await service.app.get(Journal).committed(idOf(reader));
    // The connection, and what is on its way to the log.
    expect(a.taken).toBeLessThan(200);
    expect(service.app.get(ConnectionMemory).unsentAnswers).toBe(1);
    reader.response.resume();
    a.end();
    expect(await reader.ended).toEqual({ complete: true });
    expect(reader.messages.at(-1)!.event).toBe('run.replied');
    expect(chunksOf(reader).map((chunk) => parseInt(String(chunk), 10))).toEqual([...sent.keys()]);
    expect(holds.mock.calls.reduce((sum, [by]) => sum + by, 0)).toBe(0);
  });

  test('need nothing read from the journal, as long as they keep up with a run that they started', async () => {
    const chat = new ControlledStream('chat', { a: {} });
    const service = await inMemory(chat);
    const events = jest.spyOn(service.app.get(Journal), 'events');
    const reader = await start(service, 'chat');
    const a = await chat.next('a');
    for (let n = 1; n <= 5; n += 1) {
      a.send(n);
      await count(reader, n);
    }
    a.end();
    await reader.ended;
    expect(events).not.toHaveBeenCalled();
  });

  test('miss nothing that comes while they are read what there is', async () => {
    const chat = new ControlledStream('chat', { a: {} });
    const service = await inMemory(chat);
    const first = await start(service, 'chat');
    const a = await chat.next('a');
    a.send('x');
    await count(first, 1);
    const journal = service.app.get(Journal);
    const events = journal.events.bind(journal);
    jest.spyOn(journal, 'events').mockImplementationOnce(async (query) => {
      const page = await events(query);
      a.send('y');
      await count(first, 2);
      return page;
    });
    const late = await read(service, idOf(first));
    await count(late, 2);
    a.end();
    await late.ended;
    expect(late.messages).toEqual(first.messages);
  });

  test('get a sign of life every 15 seconds', async () => {
    const chat = new ControlledStream('chat', { a: {} });
    const service = await inMemory(chat);
    jest.useFakeTimers({
      doNotFake: [
        ...(['setTimeout', 'clearTimeout', 'setImmediate', 'clearImmediate', 'nextTick'] as const),
        ...(['queueMicrotask', 'performance', 'Date', 'hrtime'] as const),
      ],
    });
    const reader = await start(service, 'chat');
    const a = await chat.next('a');
    await reader.until(() => reader.text === 'retry: 2000\n');
    jest.advanceTimersByTime(15_000);
    await reader.until(() => reader.text === 'retry: 2000\n:\n');
    a.send('x');
    a.end();
    await reader.ended;
  });

  test('are told the reply of a run that ends within the grace of a stop', async () => {
    const chat = new ControlledStream('chat', { a: {} });
    const service = await TestApp.start({ providers: chat.providers, env: { SHUTDOWN_GRACE: '1m' } });
    const reader = await start(service, 'chat');
    const a = await chat.next('a');
    a.send('x');
    await count(reader, 1);
    const closed = service.close();
    a.send('y');
    await reader.until(() => chunksOf(reader).length === 2);
    a.end();
    expect(await reader.ended).toEqual({ complete: true });
    expect(reader.messages.at(-1)!.event).toBe('run.replied');
    await closed;
  });

  test('are refused before a run starts, when connections take as much memory as they may', async () => {
    const chat = new ControlledStream('chat', { a: {} });
    const service = await inMemory(chat);
    jest.spyOn(service.app.get(ConnectionMemory), 'take').mockReturnValue(false);
    const answer = await service.http.post('/tasks/chat/runs').set('Accept', 'text/event-stream');
    await expectProblem(service, answer, 503, 'overloaded');
    expect(service.runsStarted).toBe(0);
  });

  test('that hang up leave nothing behind', async () => {
    const chat = new ControlledStream('chat', { a: {} });
    const service = await inMemory(chat);
    const measures = service.app.get(Measures);
    const memory = service.app.get(ConnectionMemory);
    const readers = [await start(service, 'chat')];
    const runId = idOf(readers[0]!);
    const a = await chat.next('a');
    a.send('x');
    for (let n = 0; n < 20; n += 1) readers.push(await read(service, runId));
    for (const reader of readers) await count(reader, 1);
    expect([measures.streams, memory.used > 0]).toEqual([21, true]);
    for (const reader of readers) reader.close();
    while (measures.streams > 0) await new Promise((resolve) => setImmediate(resolve));
    expect(memory.used).toBe(0);
    a.end();
    await service.event(runId, 'run.finished');
  });
});
