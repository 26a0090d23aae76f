import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { EVENT_TYPES } from '../../../src/core/event-types.js';
import type { RunEvent } from '../../../src/core/events.js';
import { runEventSchema } from '../../../src/core/event.schema.js';
import { inlineTask } from '../../support/inline-task.js';
import { expectProblem } from '../../support/problem.js';
import { temporaryDirectory } from '../../support/temporary-directory.js';
import { TestApp } from '../../support/test-app.js';

interface Page {
  readonly events: RunEvent[];
  readonly next: number;
}

const KB = 1024;
const directory = temporaryDirectory();
const never = () => new Promise(() => undefined);
let tries = 0;
const providers = [
  ...inlineTask('small', { a: { run: () => 'x' } }),
  ...inlineTask('large', { a: { run: () => 'x'.repeat(300 * KB) } }),
  ...inlineTask(
    'all-kinds',
    {
      tries: {
        retry: { attempts: 2, delay: '1ms' },
        stream: true,
        run: (_input, { progress }) => {
          progress({ tries });
          if (++tries % 2 > 0) throw new Error('not yet');
          return Readable.from(['do', 'ne']);
        },
      },
      fails: { run: () => Promise.reject(new Error('boom')) },
      hangs: { run: never },
      waits: { concurrency: 1, run: never },
      hedges: { start: { after: '0ms' }, run: never },
    },
    { hedgeBudget: '0%' },
  ),
];

describe.each(['memory:', `sqlite:${join(directory, 'events.db')}`])('events as JSON, kept in %s', (url) => {
  let service: TestApp;
  const runs: string[] = [];
  beforeAll(async () => {
    service = await TestApp.start({ providers, env: { DATABASE_URL: url, SHUTDOWN_GRACE: '0ms' } });
    for (let n = 0; n < 5; n += 1) {
      const { runId } = await service.answer('demo');
      await service.event(runId, 'run.finished');
      runs.push(runId);
    }
  });
  afterAll(() => service.close());

  async function page(path: string): Promise<Page> {
    const response = await service.http.get(path).set('Accept', 'application/json').expect(200);
    return response.body as Page;
  }

  const ofRun = (runId: string) => service.events.filter((event) => event.runId === runId);

  test('are paged from the beginning to the end, each once', async () => {
    const events: RunEvent[] = [];
    for (let after = 0; ;) {
      const { events: some, next } = await page(`/events?after=${after}&limit=7`);
      if (next === after) break;
      expect(some.length).toBeLessThanOrEqual(7);
      events.push(...some);
      after = next;
    }
    expect(events).toEqual(service.events);
  });

  test('are a hundred of all runs where no limit is given', async () => {
    // Others are so large that a page has fewer of them.
    const ofDemo = () => service.events.filter(({ task }) => task === 'demo');
    while (ofDemo().length <= 100) {
      const { runId } = await service.answer('demo');
      await service.event(runId, 'run.finished');
    }
    expect((await page('/events?task=demo')).events).toEqual(ofDemo().slice(0, 100));
  });

  test('are of one run where that was asked for', async () => {
    const [first, second] = [ofRun(runs[1]!).slice(0, 4), ofRun(runs[1]!).slice(4)];
    const begin = await page(`/runs/${runs[1]!}/events?limit=4`);
    expect(begin.events).toEqual(first);
    expect((await page(`/runs/${runs[1]!}/events?after=${begin.next}`)).events).toEqual(second);
    expect((await page(`/runs/${runs[1]!}/events?after=${second.at(-1)!.id}`)).events).toEqual([]);
  });

  test('are of the task and the types that were asked for', async () => {
    // Those of other tests may fill more than a page.
    const after = service.events.at(-1)!.id;
    for (const task of ['demo', 'small']) {
      const { runId } = await service.answer(task);
      await service.event(runId, 'run.finished');
    }
    const told = service.events.filter(({ id }) => id > after);
    const of = async (query: string) => (await page(`/events?after=${after}&${query}`)).events;
    expect(await of('task=small')).toEqual(told.filter(({ task }) => task === 'small'));
    const ends = told.filter(({ type }) => type === 'run.started' || type === 'run.finished');
    expect(ends).toHaveLength(4);
    expect(await of('type=run.finished,run.started')).toEqual(ends);
    expect(await of('type=run.finished&type=run.started')).toEqual(ends);
    expect(await of('task=none')).toEqual([]);
  });

  test('are of runs with the labels that were asked for, and show them', async () => {
    const labels = { tenant: 'acme' };
    const { runId } = await service.answer('small', { labels });
    await service.event(runId, 'run.finished');
    const { events } = await page('/events?label=tenant:acme');
    expect(events).toEqual(ofRun(runId));
    for (const event of events) expect(event.labels).toEqual(labels);
    expect((await page('/events?label=tenant:acme&label=a:b')).events).toEqual([]);
    await expectProblem(service, await service.http.get('/events?label=acme'), 400, 'invalid-request');
  });

  test('go on behind stretches in which nothing fits', async () => {
    const { next } = await page('/events?type=run.reopened');
    expect(next).toBe(service.events.at(-1)!.id);
  });

  test('come in pages of a bounded size, however large they are', async () => {
    const after = service.events.at(-1)!.id;
    for (let n = 0; n < 3; n += 1) {
      const { runId } = await service.answer('large');
      await service.event(runId, 'run.finished');
    }
    const { events, next } = await page(`/events?after=${after}&limit=1000`);
    expect(events.length).toBeLessThan(service.events.filter(({ id }) => id > after).length);
    const rest = [...(await page(`/events?after=${next}`)).events];
    expect(rest[0]?.id).toBe(next + 1);
  });

  test('begin at the beginning for an id of another log', async () => {
    expect((await page('/events?after=9007199254740991&limit=1')).events).toEqual([service.events[0]]);
  });

  test('have one shape, which the document describes', async () => {
    const request = { reply: { policy: 'primary', primary: 'tries' } };
    await service.answer('all-kinds', { ...request, losers: 'continue' });
    const { runId } = await service.answer('all-kinds', { ...request, losers: 'cancel' });
    await service.event(runId, 'run.finished');
    const { events } = await page(`/runs/${runId}/events`);
    expect(events).toEqual(ofRun(runId));
    for (const event of events) expect(runEventSchema.parse(event)).toEqual(event);
    expect(new Set(events.map(({ type }) => type))).toEqual(
      new Set(EVENT_TYPES.filter((type) => type !== 'run.reopened' && type !== 'run.erased')),
    );
    expect(Object.keys(events.at(-1)!)).toEqual(['id', 'type', 'time', 'runId', 'task', 'data']);
    const members = ['id', 'type', 'time', 'runId', 'task', 'subTask', 'attempt', 'data'];
    expect(Object.keys(events.find(({ type }) => type === 'sub-task.skipped')!)).toEqual(members);
  });

  test('are 404 for a run that there is none of', async () => {
    await expectProblem(service, await service.http.get('/runs/none/events'), 404, 'run-unknown');
  });
});

describe('a query for events', () => {
  let service: TestApp;
  beforeAll(async () => {
    service = await TestApp.start();
  });
  afterAll(() => service.close());

  test.each([
    ['limit=0', ['limit']],
    ['limit=1001', ['limit']],
    ['limit=ten', ['limit']],
    ['limit=', ['limit']],
    ['limit=1&limit=2', ['limit']],
    ['after=-1', ['after']],
    ['after=1e3', ['after']],
    ['after=99999999999999999999999', ['after']],
    ['task=a&task=b', ['task']],
    ['type=', ['type']],
    ['type=run.finished,run.ended', ['type']],
    ['__proto__=1', ['__proto__']],
    ['tpye=run.finished', ['tpye']],
    ['limit=x&after=y&z=1', ['after', 'limit', 'z']],
  ])('is refused with the name of each wrong parameter: %s', async (query, parameters) => {
    for (const accept of ['application/json', 'text/event-stream']) {
      const response = await service.http.get(`/events?${query}`).set('Accept', accept);
      const { errors } = await expectProblem(service, response, 400, 'invalid-request');
      expect(errors).toEqual(
        parameters.map((parameter) => ({
          parameter,
          detail: expect.stringMatching(/^(takes|is|"\S*" is) /),
        })),
      );
    }
  });

  test('that names no type of event is told which there are', async () => {
    const response = await service.http.get('/events?type=run.ended');
    const { errors } = await expectProblem(service, response, 400, 'invalid-request');
    expect(JSON.stringify(errors)).toMatch(/run\.ended.*run\.started, .*run\.finished/);
  });
});
