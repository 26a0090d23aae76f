import { OutgoingMessage, ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { EventSource } from 'eventsource';
import type { RunEvent } from '../../../src/core/events.js';
import { Journal } from '../../../src/run/journal.js';
import type { EventPage, EventQuery } from '../../../src/run/journal-pages.js';
import { Random } from '../../crash/random.js';
import { ControlledTask } from '../../support/controlled-task.js';
import { EventChannel } from '../../../src/feed/event-channel.js';
import { EventFeed } from '../../../src/feed/event-feed.js';
import { STREAM_HEADERS } from '../../../src/feed/server-sent-events.js';
import { DurableService } from '../../support/durable-service.js';
import { inlineTask } from '../../support/inline-task.js';
import { StreamReader } from '../../support/stream-reader.js';
import type { TestApp } from '../../support/test-app.js';

const KB = 1024;

describe('readers of event streams', () => {
  let durable: DurableService;
  const open = new Set<{ close(): void }>();
  beforeEach(() => {
    durable = new DurableService();
  });
  afterEach(async () => {
    for (const reader of open) reader.close();
    open.clear();
    await durable.end();
    jest.useRealTimers();
    jest.restoreAllMocks();
  });

  async function read(service: TestApp, path: string, lastEventId?: string): Promise<StreamReader> {
    const reader = await StreamReader.open(service.url + path, { lastEventId });
    open.add(reader);
    return reader;
  }

  /** Runs a task so many times at once, and resolves when all are over. */
  async function runAll(service: TestApp, task: string, times: number): Promise<string[]> {
    const answers = await Promise.all(Array.from({ length: times }, () => service.answer(task)));
    for (const { runId } of answers) await service.event(runId, 'run.finished');
    return answers.map(({ runId }) => runId);
  }

  /** All that a service’s journal has. */
  async function logOf(service: TestApp, path = '/events'): Promise<RunEvent[]> {
    const log: RunEvent[] = [];
    for (let after = 0; ;) {
      const response = await service.http.get(`${path}?after=${after}&limit=1000`).expect(200);
      const { events, next } = response.body as { events: RunEvent[]; next: number };
      log.push(...events);
      if (next === after) return log;
      after = next;
    }
  }

  test('that take nothing are dropped, keep nobody waiting, and miss nothing when they come back', async () => {
    let slowResponse: ServerResponse | undefined;
    // eslint-disable-next-line @typescript-eslint/unbound-method -- called with its response below
    const setTimeout = OutgoingMessage.prototype.setTimeout as (ms: number) => OutgoingMessage;
    jest.spyOn(OutgoingMessage.prototype, 'setTimeout').mockImplementation(function (
      this: OutgoingMessage,
      ms,
    ) {
      // The others must not be dropped for a moment in which this process does nothing but the test's own work.
      return setTimeout.call(this, this === slowResponse ? ms / 100 : ms);
    });
    const large = inlineTask('large', { a: { run: () => 'x'.repeat(300 * KB) } });
    const service = await durable.start(large);
    const dropped = new Promise((resolve) => {
      service.server.prependOnceListener('request', (_request, response: ServerResponse) => {
        slowResponse = response;
        response.once('close', resolve);
      });
    });
    const slow = await read(service, '/events');
    const quick = await read(service, '/events');
    slow.response.pause();
    for (let n = 0; n < 15; n += 1) await runAll(service, 'large', 4);
    await quick.until(() => quick.messages.length === service.events.length);
    await dropped;
    await runAll(service, 'large', 1);
    slow.response.resume();
    expect(await slow.ended).toEqual({ complete: false });
    expect(slow.messages.length).toBeLessThan(service.events.length);

    const back = await read(service, '/events', slow.lastEventId);
    await back.until(() => back.lastEventId === String(service.events.at(-1)!.id));
    expect([...slow.events, ...back.events]).toEqual(service.events);
  });

  test('get a sign of life every 15 seconds, which says up to which id they have all when that has moved', async () => {
    const service = await durable.start();
    jest.useFakeTimers({
      doNotFake: [
        'setTimeout',
        'clearTimeout',
        'setImmediate',
        'clearImmediate',
        'nextTick',
        'queueMicrotask',
        'performance',
        'Date',
        'hrtime',
      ],
    });
    const reader = await read(service, '/events?type=run.reopened');
    await runAll(service, 'demo', 1);
    await reader.until(() => reader.lastEventId === '0');
    const last = service.events.at(-1)!.id;
    jest.advanceTimersByTime(15_000);
    await reader.until(() => reader.lastEventId === String(last));
    jest.advanceTimersByTime(15_000);
    await reader.until(() => reader.text.endsWith('\n\n:\n'));
    jest.advanceTimersByTime(15_000);
    await reader.until(() => reader.text.endsWith('\n\n:\n:\n'));
    expect([reader.messages, reader.cursors]).toEqual([
      [],
      [
        { id: 0, type: 'cursor' },
        { id: last, type: 'cursor' },
      ],
    ]);
  });

  test('that hang up before the stream begins leave nothing behind', async () => {
    const service = await durable.start();
    const [runId] = await runAll(service, 'demo', 1);
    const joined = jest.spyOn(EventFeed.prototype, 'join');
    const left = jest.spyOn(EventFeed.prototype, 'leave');
    const begun = jest.spyOn(ServerResponse.prototype, 'writeHead');
    for (let n = 0; n < 20; n += 1) {
      const hungUp = new Promise((resolve) => {
        service.server.once('request', (request, response: ServerResponse) => {
          response.once('close', resolve);
          request.socket.destroy();
        });
      });
      await StreamReader.open(`${service.url}/runs/${runId!}/events`).catch(() => undefined);
      await hungUp;
    }
    const readers = () => new Set(joined.mock.calls.map(([, reader]) => reader));
    const gone = () => new Set(left.mock.calls.map(([, reader]) => reader));
    while (readers().size < 20 || gone().size < 20) await new Promise((resolve) => setImmediate(resolve));
    expect(gone()).toEqual(readers());
    await service.http.get(`/runs/${runId!}`).expect(200);
    expect(begun).not.toHaveBeenCalledWith(200, STREAM_HEADERS);
  });

  test('that hang up are forgotten, and so are the events that were kept for them', async () => {
    const service = await durable.start();
    // The next sign of life would show it too, 15 s later.
    jest.spyOn(EventFeed.prototype as unknown as { beat(): Promise<void> }, 'beat').mockResolvedValue();
    const left = jest.spyOn(EventFeed.prototype, 'leave');
    const added = jest.spyOn(EventChannel.prototype, 'add');
    const [runId] = await runAll(service, 'demo', 1);
    const paths = ['/events', '/events', '/events?type=run.started'];
    const readers = await Promise.all(paths.map((path) => read(service, path)));
    await runAll(service, 'demo', 1);
    expect(added).toHaveBeenCalled();
    for (const reader of readers) reader.close();
    await (
      await read(service, `/runs/${runId!}/events`)
    ).ended;
    // The stream that ended says so twice: at its end, and when its connection is done.
    while (left.mock.calls.length < readers.length + 2) await new Promise((resolve) => setImmediate(resolve));
    added.mockClear();
    await runAll(service, 'demo', 1);
    expect(added).not.toHaveBeenCalled();
  });

  test('are let go at once by a stop, and begin again where they were when the service is back', async () => {
    const race = new ControlledTask('race', { fast: {}, slow: {} });
    const service = await durable.start(race.providers, { SHUTDOWN_GRACE: '1h' });
    const answer = service.answer('race');
    const { fast, slow } = await race.all();
    const { runId } = fast.context;
    const readers = [await read(service, '/events'), await read(service, `/runs/${runId}/events`)];
    const journal = service.app.get(Journal);
    const held = Promise.withResolvers<EventPage>();
    const asked = new Promise<EventQuery>((resolve) => {
      jest.spyOn(journal, 'events').mockImplementationOnce((query) => {
        resolve(query);
        return held.promise;
      });
    });
    const opening = read(service, `/runs/${runId}/events`);
    const query = await asked;
    const stopped = durable.stop();
    for (const reader of readers) expect(await reader.ended).toEqual({ complete: true });

    held.resolve(journal.events(query));
    expect((await opening).response.headers['content-type']).toMatch(/^text\/event-stream/);
    expect(await (await opening).ended).toEqual({ complete: true });
    const late = await read(service, `/runs/${runId}/events`);
    expect(await late.ended).toEqual({ complete: true });
    expect([late.status, late.messages, late.text]).toEqual([
      200,
      [],
      expect.stringMatching(/^retry: \d+\n/),
    ]);
    expect(slow.context.signal.aborted).toBe(false);
    fast.succeed();
    await answer;
    slow.succeed();
    await stopped;

    const next = await durable.start(race.providers);
    const back = await read(next, `/runs/${runId}/events`, late.lastEventId);
    await back.ended;
    expect(back.events).toEqual(await logOf(next, `/runs/${runId}/events`));
    expect(back.events.at(-1)?.type).toBe('run.finished');
  });

  test('that are EventSources outlive a stop of the service', async () => {
    let service = await durable.start([], { SHUTDOWN_GRACE: '1s' });
    let url = service.url;
    const source = new EventSource('http://service.invalid/events?type=run.finished', {
      fetch: (address, init) => fetch(String(address).replace('http://service.invalid', url), init),
    });
    open.add(source);
    const seen: unknown[] = [];
    source.addEventListener('run.finished', ({ data }) => seen.push(JSON.parse(data as string)));
    await new Promise((resolve) => source.addEventListener('open', resolve, { once: true }));
    await runAll(service, 'demo', 3);
    const interrupted = new Promise((resolve) => source.addEventListener('error', resolve, { once: true }));
    await durable.stop();
    await interrupted;
    expect(source.readyState).toBe(source.CONNECTING);

    service = await durable.start();
    await runAll(service, 'demo', 3);
    const opened = new Promise((resolve) => source.addEventListener('open', resolve, { once: true }));
    url = service.url;
    await opened;
    await runAll(service, 'demo', 3);
    const finished = (await logOf(service)).filter(({ type }) => type === 'run.finished');
    await new Promise<void>((resolve) => {
      const check = () => seen.length >= finished.length && resolve();
      source.addEventListener('run.finished', check);
      check();
    });
    expect(seen).toEqual(finished);
  });

  test('that hang up at random and come back, also after stops and crashes, read exactly the log', async () => {
    const seed = Math.floor(Math.random() * 2 ** 32);
    const random = new Random(seed);
    let service = await durable.start();
    const [firstRun] = await runAll(service, 'demo', 5);
    const filters: Record<string, (event: RunEvent) => boolean> = {
      '/events': () => true,
      '/events?task=demo': () => true,
      '/events?type=run.finished': ({ type }) => type === 'run.finished',
      '/events?type=run.started,sub-task.succeeded': ({ type }) =>
        /run.started|sub-task.succeeded/.test(type),
      [`/runs/${firstRun!}/events`]: ({ runId }) => runId === firstRun,
    };
    const readers = Object.keys(filters)
      .flatMap((path) => [path, path, path])
      .map((path) => ({ path, seen: [] as RunEvent[], cursor: '0' }));

    /** Reads until enough messages were seen, or `over`, and hangs up. */
    async function readOnce(reader: (typeof readers)[number], enough: number, over: Promise<unknown>) {
      const stream = await read(service, reader.path, reader.cursor);
      await Promise.race([stream.until(() => stream.messages.length >= enough), stream.ended, over]);
      stream.close();
      open.delete(stream);
      reader.seen.push(...stream.events);
      reader.cursor = stream.lastEventId ?? reader.cursor;
    }

    for (const end of ['stop', 'crash', 'stop', 'last'] as const) {
      const over = Promise.withResolvers<undefined>();
      let going = true;
      const reading = readers.map(async (reader) => {
        const draw = random.fork();
        while (going) await readOnce(reader, draw.int(0, 40), over.promise);
      });
      for (let batch = 0; batch < 15; batch += 1)
        await Promise.all(Array.from({ length: random.int(1, 6) }, () => service.answer('demo')));
      going = false;
      over.resolve(undefined);
      await Promise.all(reading);
      if (end === 'last') break;
      if (end === 'crash') durable.crash();
      service = await durable.start();
    }

    const unfinished = () => durable.database.unfinishedRuns() > 0;
    while (unfinished()) await new Promise((resolve) => setImmediate(resolve));
    const log = await logOf(service);
    for (const reader of readers) {
      const expected = log.filter(filters[reader.path]!);
      const missing = expected.length - reader.seen.length;
      if (missing > 0) await readOnce(reader, missing, new Promise(() => undefined));
      expect({ seed, path: reader.path, seen: reader.seen }).toEqual({
        seed,
        path: reader.path,
        seen: expected,
      });
    }
    expect(log.length).toBeGreaterThan(500);
  });
});
