import { once } from 'node:events';
import { get, request, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { EventSource } from 'eventsource';
import { runEventSchema } from '../../../src/core/event.schema.js';
import { EventFeed } from '../../../src/feed/event-feed.js';
import { ControlledTask } from '../../support/controlled-task.js';
import { FACES, ofService } from '../../support/faces.js';
import { expectProblem } from '../../support/problem.js';
import { StreamReader } from '../../support/stream-reader.js';
import { TestApp } from '../../support/test-app.js';

const race = new ControlledTask('race', { fast: {}, slow: {} });
const other = new ControlledTask('other', { only: {} });

describe.each(FACES)('%s: event streams', (face) => {
  let service: TestApp;
  const open: { close(): void }[] = [];
  beforeAll(async () => {
    service = await TestApp.start({ face, providers: [...race.providers, ...other.providers] });
  });
  afterEach(() => {
    for (const reader of open.splice(0)) reader.close();
  });
  afterAll(() => service.close());

  async function read(path: string, lastEventId?: number | string): Promise<StreamReader> {
    const reader = await StreamReader.open(service.url + path, { lastEventId });
    open.push(reader);
    return reader;
  }

  /** Starts a run that is under way. */
  async function begin() {
    const answer = service.answer('race');
    const { fast, slow } = await race.all();
    return { runId: fast.context.runId, fast, slow, answer };
  }

  /** A run that is over. */
  async function finished(): Promise<string> {
    const { runId, fast, slow, answer } = await begin();
    fast.succeed('won');
    slow.succeed();
    await answer;
    await service.event(runId, 'run.finished');
    return runId;
  }

  const ofRun = (runId: string) => service.events.filter((event) => event.runId === runId);

  describe('of a run', () => {
    test('begin with what there is, go on as it comes, and end with the run', async () => {
      const { runId, fast, slow, answer } = await begin();
      const reader = await read(`/runs/${runId}/events`);
      await reader.until(() => reader.events.length === 3);
      fast.succeed({ text: 'two\nlines\r\u2028' });
      await answer;
      await reader.until(() => reader.events.some(({ type }) => type === 'run.replied'));
      slow.fail(new Error('late'));
      expect(await reader.ended).toEqual({ complete: true });
      expect(reader.events).toEqual(ofRun(runId));
      expect(reader.events.map(({ type }) => type)).toEqual([
        'run.started',
        'sub-task.started',
        'sub-task.started',
        'sub-task.succeeded',
        'run.replied',
        'sub-task.failed',
        'run.finished',
      ]);
      for (const { id, event, data } of reader.messages) {
        expect(JSON.parse(data)).toMatchObject({ id: Number(id), type: event });
        expect(runEventSchema.parse(JSON.parse(data))).toEqual(JSON.parse(data));
      }
    });

    test('say at once who they are and when to come back', async () => {
      const { runId, fast, slow } = await begin();
      const reader = await read(`/runs/${runId}/events`);
      expect(reader.status).toBe(200);
      expect(reader.response.headers).toMatchObject({
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': expect.stringContaining('no-store'),
        'x-accel-buffering': 'no',
        vary: expect.stringContaining('Accept'),
      });
      await reader.until(() => reader.events.length > 0);
      expect(reader.text).toMatch(/^retry: \d+\nid: \d+\nevent: run.started\n/);
      fast.succeed();
      slow.succeed();
      await reader.ended;
    });

    const whole = ofService(face, 'half-closed connections are the matter of its server');
    whole('go on for a reader that has ended its side of the connection', async () => {
      const { runId, fast, slow } = await begin();
      const socket = connect(Number(new URL(service.url).port), '127.0.0.1');
      const headers = 'Host: localhost\r\nAccept: text/event-stream\r\nConnection: close';
      socket.end(`GET /runs/${runId}/events HTTP/1.1\r\n${headers}\r\n\r\n`);
      const received = text(socket);
      await service.http.get('/health/live').expect(200);
      fast.succeed();
      slow.succeed();
      expect(await received).toContain('event: run.finished');
    });

    test('bring each of many readers the same, wherever each begins', async () => {
      const { runId, fast, slow, answer } = await begin();
      const readers = await Promise.all(Array.from({ length: 20 }, () => read(`/runs/${runId}/events`)));
      fast.succeed();
      await answer;
      await service.event(runId, 'run.replied');
      const late = await read(`/runs/${runId}/events?after=${ofRun(runId)[2]!.id}`);
      slow.succeed();
      await Promise.all([...readers, late].map(({ ended }) => ended));
      for (const reader of readers) expect(reader.events).toEqual(ofRun(runId));
      expect(late.events).toEqual(ofRun(runId).slice(3));
    });

    test('go on behind Last-Event-ID, which goes before after', async () => {
      const runId = await finished();
      const seen = ofRun(runId)[1]!.id;
      const reader = await read(`/runs/${runId}/events?after=${seen + 2}`, seen);
      expect(await reader.ended).toEqual({ complete: true });
      expect(reader.events).toEqual(ofRun(runId).slice(2));
    });

    test('are 204 to a reader that has all of a finished run', async () => {
      const runId = await finished();
      await finished();
      for (const seen of [ofRun(runId).at(-1)!.id, service.events.at(-1)!.id]) {
        const reader = await read(`/runs/${runId}/events`, seen);
        await reader.ended;
        expect([reader.status, reader.text]).toEqual([204, '']);
      }
    });

    test('are read by an EventSource to the end, which then stops by itself', async () => {
      const { runId, fast, slow } = await begin();
      const source = new EventSource(`${service.url}/runs/${runId}/events`);
      open.push(source);
      const seen: unknown[] = [];
      for (const type of [
        'run.started',
        'sub-task.started',
        'sub-task.succeeded',
        'run.replied',
        'run.finished',
      ])
        source.addEventListener(type, ({ data }) => seen.push(JSON.parse(data as string)));
      await once(source, 'open');
      fast.succeed();
      slow.succeed();
      const codes: unknown[] = [];
      await new Promise<void>((resolve) => {
        source.addEventListener('error', ({ code }) => {
          codes.push(code);
          if (source.readyState === source.CLOSED) resolve();
        });
      });
      expect(codes.at(-1)).toBe(204);
      expect(seen).toEqual(ofRun(runId));
    });

    test('are 404 for a run that there is none of', async () => {
      const left = jest.spyOn(EventFeed.prototype, 'leave');
      const response = await service.http.get('/runs/none/events').set('Accept', 'text/event-stream');
      await expectProblem(service, response, 404, 'run-unknown');
      expect(left).toHaveBeenCalled();
      left.mockRestore();
    });
  });

  describe('of all runs', () => {
    test('begin now', async () => {
      await finished();
      const reader = await read('/events');
      const before = service.events.at(-1)!.id;
      await reader.until(() => reader.lastEventId === String(before));
      expect(reader.cursors).toEqual([{ id: before, type: 'cursor' }]);
      const runId = await finished();
      await reader.until(() => reader.events.at(-1)?.type === 'run.finished');
      expect(reader.events).toEqual(ofRun(runId));
    });

    test('begin where Last-Event-ID or after says', async () => {
      const runId = await finished();
      const seen = ofRun(runId)[0]!.id;
      for (const reader of [await read('/events?after=0', seen), await read(`/events?after=${seen}`)]) {
        await reader.until(() => reader.events.at(-1)?.type === 'run.finished');
        expect(reader.events).toEqual(ofRun(runId).slice(1));
        expect(reader.cursors).toEqual([]);
      }
    });

    test('begin at the beginning for an id of another log', async () => {
      const reader = await read('/events', Number.MAX_SAFE_INTEGER);
      await reader.until(() => reader.events.length === service.events.length);
      expect(reader.events).toEqual(service.events);
    });

    test('are of the task and the types that were asked for', async () => {
      const readers = {
        task: await read('/events?task=other'),
        type: await read('/events?type=run.started,run.finished'),
        types: await read('/events?type=run.started&type=run.finished'),
        both: await read('/events?task=other&type=run.finished'),
        label: await read('/events?label=tenant:acme'),
      };
      const runId = await finished();
      const answer = service.answer('other', { labels: { tenant: 'acme' } });
      (await other.next('only')).succeed();
      const { runId: otherId } = await answer;
      await service.event(otherId, 'run.finished');
      const ends = ({ type }: { type: string }) => type === 'run.started' || type === 'run.finished';
      const expected = [...ofRun(runId), ...ofRun(otherId)].toSorted((a, b) => a.id - b.id);
      for (const reader of Object.values(readers))
        await reader.until(() => reader.events.at(-1)?.id === expected.at(-1)!.id);
      expect(readers.task.events).toEqual(ofRun(otherId));
      expect(readers.type.events).toEqual(expected.filter(ends));
      expect(readers.types.events).toEqual(expected.filter(ends));
      expect(readers.label.events).toEqual(ofRun(otherId));
      expect(readers.both.events).toEqual(ofRun(otherId).slice(-1));
    });

    test('go on for others when a reader hangs up', async () => {
      const [first, second] = [await read('/events'), await read('/events')];
      first.close();
      const runId = await finished();
      await second.until(() => second.events.at(-1)?.type === 'run.finished');
      expect(second.events).toEqual(ofRun(runId));
    });
  });

  test.each(['/events', 'run'])('answer HEAD with their headers alone: %s', async (path) => {
    const url = service.url + (path === 'run' ? `/runs/${await finished()}/events` : path);
    const call = request(url, { method: 'HEAD', agent: false, headers: { Accept: 'text/event-stream' } });
    const [response] = (await once(call.end(), 'response')) as [IncomingMessage];
    expect(response.statusCode).toBe(200);
    expect(response.headers['content-type']).toBe('text/event-stream; charset=utf-8');
    await once(response.resume(), 'end');
  });

  test.each(['x', '-1', '1.5', '1e3', '99999999999999999999', '9007199254740992', ' '.repeat(3) + 'a'])(
    'are 400 for a Last-Event-ID such as %j',
    async (lastEventId) => {
      const response = await service.http
        .get('/events')
        .set({ Accept: 'text/event-stream', 'Last-Event-ID': lastEventId });
      const { errors } = await expectProblem(service, response, 400, 'invalid-request');
      expect(errors).toEqual([{ header: 'Last-Event-ID', detail: expect.stringContaining('whole number') }]);
    },
  );

  test('take an empty Last-Event-ID for none', async () => {
    const { runId } = await service.answer('demo');
    await service.event(runId, 'run.finished');
    const reader = await read('/events', '');
    await reader.until(() => reader.lastEventId === String(service.events.at(-1)!.id));
  });

  test('are for those who ask for them', async () => {
    const types: (string | undefined)[] = [];
    for (const accept of [
      'text/event-stream',
      'application/json;q=0.5, text/event-stream',
      '*/*',
      'text/html',
    ]) {
      const call = get(`${service.url}/events`, { agent: false, headers: { Accept: accept } });
      const [response] = (await once(call, 'response')) as [IncomingMessage];
      types.push(response.headers['content-type']?.split(';')[0]);
      response.destroy();
    }
    expect(types).toEqual([
      'text/event-stream',
      'text/event-stream',
      'application/json',
      'application/problem+json',
    ]);
  });
});
