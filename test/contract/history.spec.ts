import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { EventEmitter2 } from '@nestjs/event-emitter';
import fc from 'fast-check';
import { EventBus } from '../../src/events/event-bus.js';
import { PostgresJournal } from '../../src/journal/postgres/postgres-journal.js';
import type { Journal } from '../../src/run/journal.js';
import type { RunPage, RunQuery, RunSummary } from '../../src/run/journal-pages.js';
import type { NewEvent } from '../../src/core/events.js';
import { hasLabels, type Labels } from '../../src/core/labels.js';
import type { AnsweredBy } from '../../src/core/run-standing.js';
import { RUN_STATUSES, type RunStatus } from '../../src/core/run.js';
import { EventWriter } from '../support/event-writer.js';
import { journals } from '../support/journals.js';
import { events } from '../support/run-events.js';

const START = Date.UTC(2026, 0, 1);

const TRACES = ['4bf92f3577b34da6a3ce929d0e0e4736', '0af7651916cd43dd8448eb211c80319c'];

/** What the events of a run can say. */
type RecordedStatus = Exclude<RunStatus, 'set-aside'>;

/** A run to be added, so many milliseconds after the one before: before it, where the clock was set back. */
interface Added {
  readonly task: string;
  readonly client: string | undefined;
  readonly requestId: string | undefined;
  readonly traceId: string | undefined;
  readonly labels: Labels | undefined;
  /** Null: its reply is an error. */
  readonly answeredBy: AnsweredBy;
  readonly status: RecordedStatus;
  readonly afterMs: number;
}

const added = fc.record<Added>({
  task: fc.constantFrom('a', 'b'),
  client: fc.constantFrom(undefined, 'ci:1', 'ci:2'),
  requestId: fc.constantFrom(undefined, 'q1', 'q2'),
  traceId: fc.constantFrom(undefined, ...TRACES),
  answeredBy: fc.constantFrom<AnsweredBy>(null, 'a', ['a'], ['b', 'a']),
  labels: fc.constantFrom(undefined, { tenant: 'a' }, { order: 'x:1', tenant: 'a' }, { order: 'x:1' }),
  status: fc.constantFrom(...RUN_STATUSES.filter((status) => status !== 'set-aside')),
  afterMs: fc.constantFrom(0, 0, 0, 1, 5, -2),
});

const filters = fc.record(
  {
    task: fc.constantFrom('a', 'b', 'none'),
    client: fc.constantFrom('ci:1', 'ci:2', 'none:0'),
    requestId: fc.constantFrom('q1', 'q2', 'none'),
    traceId: fc.constantFrom(...TRACES, '0'.repeat(32)),
    labels: fc.constantFrom(['tenant:a'], ['order:x:1'], ['order:x:1', 'tenant:a'], ['tenant:b']),
    statuses: fc.array(fc.constantFrom(...RUN_STATUSES), { minLength: 1, maxLength: 3 }),
    since: fc.integer({ min: START - 5, max: START + 20 }),
    until: fc.integer({ min: START - 5, max: START + 20 }),
  },
  { requiredKeys: [] },
);

describe.each(Object.keys(journals))('the history of the %s journal', (name) => {
  let journal: Journal;
  let writer: EventWriter;
  let now: number;
  let all: RunSummary[];
  /** Where each run came from, by its id. */
  let origins: Map<string, Pick<Added, 'client' | 'requestId' | 'traceId'>>;
  beforeEach(async () => {
    now = START;
    all = [];
    origins = new Map();
    jest.spyOn(Date, 'now').mockImplementation(() => now);
    journal = await journals[name]!(new EventBus(new EventEmitter2()));
    if (journal instanceof PostgresJournal) jest.spyOn(journal.clock, 'now').mockImplementation(() => now);
    writer = new EventWriter(journal);
  });
  afterEach(async () => {
    await journal.close();
    jest.restoreAllMocks();
  });

  /** Adds a run that is committed when this resolves. */
  async function add({
    task = 'task',
    client,
    requestId,
    traceId,
    labels,
    answeredBy = 'a',
    status = 'running',
    afterMs = 0,
  }: Partial<Added> = {}): Promise<string> {
    now += afterMs;
    const id = `r${all.length + 1}`;
    const time = new Date(now).toISOString();
    const end =
      status === 'running'
        ? { finishedAt: null }
        : { finishedAt: time, reply: { repliedAt: time, answeredBy } };
    all.push({ id, task, status, createdAt: time, ...end, labels });
    origins.set(id, { client, requestId, traceId });
    const started = events.started(id) as NewEvent<'run.started'>;
    let committed = writer.append({
      ...started,
      task,
      data: {
        ...started.data,
        ...(requestId !== undefined && { requestId }),
        ...(traceId !== undefined && { traceparent: `00-${traceId}-00f067aa0ba902b7-01` }),
      },
      ...(client !== undefined && { client }),
      ...(labels && { labels }),
    });
    if (status !== 'running') committed = finish(id, task, status, answeredBy);
    await committed;
    return id;
  }

  function finish(
    runId: string,
    task: string,
    status: Exclude<RecordedStatus, 'running'>,
    answeredBy: AnsweredBy = 'a',
  ): Promise<undefined> {
    const reply =
      answeredBy === null
        ? { error: { code: 'run-failed' as const, message: 'failed', failures: [] } }
        : { answeredBy: typeof answeredBy === 'string' ? answeredBy : [...answeredBy], result: 'won' };
    void writer.append({ type: 'run.replied', runId, task, data: { reply, status, background: [] } });
    return writer.append({ type: 'run.finished', runId, task, data: { status } });
  }

  const ids = ({ runs }: RunPage) => runs.map(({ id }) => id);

  /** What a query without bounds would find: of runs of one time the last one comes first. */
  function expected({
    task,
    client,
    requestId,
    traceId,
    labels,
    statuses,
    since = -Infinity,
    until = Infinity,
  }: Partial<RunQuery>): RunSummary[] {
    return all
      .toReversed()
      .filter(({ createdAt, ...run }) => {
        const ms = Date.parse(createdAt);
        const fits = (task ?? run.task) === run.task && (statuses ?? [run.status]).includes(run.status);
        const origin = origins.get(run.id)!;
        if (client !== undefined && origin.client !== client) return false;
        if (requestId !== undefined && origin.requestId !== requestId) return false;
        if (traceId !== undefined && origin.traceId !== traceId) return false;
        return hasLabels(run.labels, labels) && fits && ms >= since && ms < until;
      })
      .sort((a, b) => Date.parse(b.createdAt) - Date.parse(a.createdAt));
  }

  test('is empty where nothing was started', async () => {
    expect(await journal.runs({ limit: 1 })).toEqual({ runs: [], next: undefined });
  });

  test('has the newest run first, and says of each what it is and how it stands', async () => {
    await add();
    await add({ task: 'other', status: 'partly-failed', afterMs: 1 });
    expect(await journal.runs({ limit: 2 })).toEqual({
      runs: [
        {
          id: 'r2',
          task: 'other',
          status: 'partly-failed',
          createdAt: '2026-01-01T00:00:00.001Z',
          finishedAt: '2026-01-01T00:00:00.001Z',
          reply: { repliedAt: '2026-01-01T00:00:00.001Z', answeredBy: 'a' },
        },
        {
          id: 'r1',
          task: 'task',
          status: 'running',
          createdAt: '2026-01-01T00:00:00.000Z',
          finishedAt: null,
        },
      ],
      next: undefined,
    });
  });

  test('follows a run from one status to the next', async () => {
    await add();
    const find = async (status: RunStatus) => ids(await journal.runs({ statuses: [status], limit: 9 }));
    expect([await find('running'), await find('failed')]).toEqual([['r1'], []]);
    await finish('r1', 'task', 'failed');
    expect([await find('running'), await find('failed')]).toEqual([[], ['r1']]);
  });

  test('says of a finished run when it was answered and by whom, also when that was committed before, or the run was reopened since', async () => {
    await add({ answeredBy: null });
    now += 2;
    await writer.append(events.replied('r1', 'won'));
    now += 3;
    await writer.append(events.finished('r1'));
    const repliedAt = new Date(START + 2).toISOString();
    const { runs } = await journal.runs({ limit: 1 });
    expect(runs).toMatchObject([{ reply: { repliedAt, answeredBy: 'a' } }]);
    const record = (await journal.run('r1'))!;
    await writer.reopen(record);
    expect((await journal.runs({ limit: 1 })).runs[0]!.reply).toBeUndefined();
    now += 5;
    await finish('r1', 'task', 'succeeded', ['a', 'b']);
    expect((await journal.runs({ limit: 1 })).runs).toMatchObject([
      { reply: { repliedAt: new Date(START + 10).toISOString(), answeredBy: ['a', 'b'] } },
    ]);
  });

  test('finds runs by the request or the trace that they came with, reopened ones too', async () => {
    const [trace] = TRACES;
    await add({ requestId: 'q1', traceId: trace, status: 'failed' });
    await add({ requestId: 'q1', labels: { tenant: 'a' } });
    const of = async (query: Partial<RunQuery>) => ids(await journal.runs({ ...query, limit: 9 }));
    expect(await of({ requestId: 'q1' })).toEqual(['r2', 'r1']);
    expect(await of({ requestId: 'q1', labels: ['tenant:a'] })).toEqual(['r2']);
    expect(await of({ traceId: trace })).toEqual(['r1']);
    await writer.reopen((await journal.run('r1'))!);
    expect(await of({ traceId: trace, requestId: 'q1' })).toEqual(['r1']);
    await finish('r1', 'task', 'succeeded');
    expect(await of({ traceId: trace, statuses: ['succeeded'] })).toEqual(['r1']);
  });

  test('begins with the millisecond of since and ends before that of until', async () => {
    for (let n = 0; n < 4; n += 1) await add({ afterMs: 1 });
    expect(ids(await journal.runs({ since: START + 2, until: START + 4, limit: 9 }))).toEqual(['r3', 'r2']);
  });

  test('goes on behind a place whose run is kept no more', async () => {
    for (let n = 0; n < 2; n += 1) await add({ afterMs: 2 });
    const olderThan = { createdAt: START + 3, number: 1 };
    expect(ids(await journal.runs({ olderThan, limit: 9 }))).toEqual(['r1']);
  });

  test('neither skips nor repeats a run that was there when the paging began, whatever is added meanwhile', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(added, { maxLength: 8 }),
        fc.array(fc.array(added, { maxLength: 3 }), { maxLength: 6 }),
        filters,
        fc.integer({ min: 1, max: 4 }),
        async (first, between, filter, limit) => {
          for (const run of first) await add(run);
          const before = expected(filter);
          const meanwhile = between.values();
          const seen: RunSummary[] = [];
          let page: RunPage | undefined;
          do {
            page = await journal.runs({ ...filter, limit, olderThan: page?.next });
            expect(page.runs.length).toBe(page.next ? limit : Math.min(limit, page.runs.length));
            seen.push(...page.runs);
            expect(seen.length).toBeLessThanOrEqual(all.length);
            for (const run of meanwhile.next().value ?? []) await add(run);
          } while (page.next);
          const there = new Set(before.map(({ id }) => id));
          expect(seen.filter(({ id }) => there.has(id))).toEqual(before);
          expect(new Set(seen.map(({ id }) => id)).size).toBe(seen.length);
        },
      ),
      { numRuns: 60 },
    );
  });
});
