import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { EventEmitter2 } from '@nestjs/event-emitter';
import type { RunEvent } from '../../src/core/events.js';
import type { Labels } from '../../src/core/labels.js';
import { EventBus } from '../../src/events/event-bus.js';
import type { Journal } from '../../src/run/journal.js';
import { PAGE_SIZE, PAGE_STRETCH, type EventQuery } from '../../src/run/journal-pages.js';
import { EventWriter } from '../support/event-writer.js';
import { journals } from '../support/journals.js';
import { events, unfinishedOf } from '../support/run-events.js';

describe.each(Object.keys(journals))('the %s journal', (name) => {
  let published: RunEvent[];
  let onPublish: (events: readonly RunEvent[]) => void;
  let journal: Journal;
  let writer: EventWriter;
  beforeEach(async () => {
    published = [];
    onPublish = () => undefined;
    const bus = new EventBus(new EventEmitter2());
    bus.publishOwn = (committed) => {
      const group = committed.map(({ event }) => event);
      published.push(...group);
      onPublish(group);
    };
    journal = await journals[name]!(bus);
    writer = new EventWriter(journal);
  });
  afterEach(async () => {
    await journal.drain();
    await journal.close();
  });

  test('numbers events from 1 in the order of append, and publishes them in it', async () => {
    const committed = ['r1', 'r2', 'r3'].flatMap((runId) => [
      writer.append(events.started(runId)),
      writer.append(events.attempt(runId)),
    ]);
    await Promise.all(committed);
    void writer.append(events.finished('r2'));
    await journal.drain();
    expect(published.map(({ id, runId, type }) => [id, runId, type])).toEqual([
      [1, 'r1', 'run.started'],
      [2, 'r1', 'sub-task.started'],
      [3, 'r2', 'run.started'],
      [4, 'r2', 'sub-task.started'],
      [5, 'r3', 'run.started'],
      [6, 'r3', 'sub-task.started'],
      [7, 'r2', 'run.finished'],
    ]);
    for (const { time } of published) expect(new Date(time).toISOString()).toBe(time);
  });

  test('has no event of a run before an earlier one, when the clock is set back too', async () => {
    await writer.append(events.started('r1'));
    const now = jest.spyOn(Date, 'now').mockReturnValue(Date.now() - 3_600_000);
    await writer.append(events.finished('r1'));
    now.mockRestore();
    const [started, finished] = published.map(({ time }) => Date.parse(time));
    expect(finished).toBeGreaterThanOrEqual(started!);
    expect((await journal.runs({ limit: 1 })).runs[0]).toMatchObject({ finishedAt: published[1]!.time });
  });

  test('knows the run of a key when the clock has leapt far ahead', async () => {
    const key = { client: 'c', key: 'k', fingerprint: 'f' };
    await journal.claimKey(key, 'r1');
    await writer.append(events.started('r1'), key);
    const now = jest.spyOn(Date, 'now').mockReturnValue(Date.now() + 40 * 24 * 3_600_000);
    expect(await journal.claimKey(key, 'r2')).toMatchObject({ runId: 'r1' });
    now.mockRestore();
  });

  test('publishes nothing while append runs, and has published what it says is committed', async () => {
    const committed = writer.append(events.started('r1'));
    expect(published).toEqual([]);
    await committed;
    expect(published.map(({ type }) => type)).toEqual(['run.started']);
  });

  test('takes what is appended while it publishes, and drains that too', async () => {
    onPublish = (group) => {
      for (const { type, runId } of group)
        if (type === 'run.started') queueMicrotask(() => void writer.append(events.attempt(runId)));
    };
    for (let n = 0; n < 500; n += 1) void writer.append(events.started(`r${n}`));
    await journal.drain();
    expect(published).toHaveLength(1000);
    expect(published.map(({ id }) => id)).toEqual(published.map((_, index) => index + 1));
  });

  test('shows a run with all that was appended to it so far', async () => {
    void writer.append(events.started('r1', { list: ['ü', 1.5, null] }));
    void writer.append(events.attempt('r1'));
    void writer.append(events.retrying('r1', 'boom'));
    expect(await journal.run('r1')).toMatchObject({
      id: 'r1',
      task: 'task',
      status: 'running',
      input: { list: ['ü', 1.5, null] },
      losers: 'continue',
      decision: null,
      subTasks: [
        {
          name: 'a',
          status: 'retrying',
          attempts: 1,
          failures: 1,
          retryAt: '2026-01-01T00:00:00.000Z',
          error: { code: 'threw', message: 'boom' },
        },
        { name: 'b', status: 'pending', attempts: 0, startedAt: null },
      ],
    });
    void writer.append(events.attempt('r1', 'a', 2));
    void writer.append(events.succeeded('r1', { deep: [7] }, 'a', 2));
    void writer.append(events.replied('r1', { deep: [7] }));
    void writer.append(events.finished('r1'));
    const run = await journal.run('r1');
    expect(run).toMatchObject({
      status: 'succeeded',
      decision: { reply: { answeredBy: 'a', result: { deep: [7] } } },
      subTasks: [
        { status: 'succeeded', attempts: 2, retryAt: null, result: { deep: [7] }, durationMs: 9.5 },
        { status: 'pending' },
      ],
    });
    expect([run?.createdAt, run?.repliedAt, run?.finishedAt]).toEqual([
      published[0]!.time,
      published[5]!.time,
      published[6]!.time,
    ]);
  });

  test('knows no run that was not started', async () => {
    expect(await journal.run('r1')).toBeUndefined();
    expect(await journal.run("' OR 1 = 1 --")).toBeUndefined();
  });

  describe('as a log', () => {
    /** Three runs of two tasks, interleaved. */
    async function fill(): Promise<void> {
      for (const runId of ['r1', 'r2', 'r3']) void writer.append(events.started(runId, runId));
      for (const runId of ['r3', 'r1', 'r2']) void writer.append(events.attempt(runId));
      void writer.append({ ...events.started('other'), task: 'other', client: 'ci:1' });
      void writer.append({ ...events.retrying('other', 'boom'), task: 'other', client: 'ci:1' });
      for (const runId of ['r2', 'r1']) void writer.append(events.finished(runId));
      await journal.drain();
    }

    const idsOf = async (query: Partial<EventQuery>) => {
      const { events, next } = await journal.events({ after: 0, limit: 100, ...query });
      return { ids: events.map(({ id }) => id), next };
    };

    test('gives back events as they were published, page by page', async () => {
      await fill();
      expect(journal.lastEventId).toBe(10);
      expect(await journal.events({ after: 0, limit: 4 })).toEqual({
        events: published.slice(0, 4),
        next: 4,
      });
      expect(await journal.events({ after: 4, limit: 100 })).toEqual({
        events: published.slice(4),
        next: 10,
      });
      expect(await journal.events({ after: 10, limit: 1 })).toEqual({ events: [], next: 10 });
    });

    test('tells of each event who started its run, and finds those of one client', async () => {
      await fill();
      expect(await idsOf({ client: 'ci:1' })).toEqual({ ids: [7, 8], next: 10 });
      expect(await idsOf({ client: 'ci:1', task: 'task' })).toEqual({ ids: [], next: 10 });
      expect(await idsOf({ client: 'ci:2' })).toEqual({ ids: [], next: 10 });
      expect(await journal.run('other')).toMatchObject({ clientId: 'ci:1' });
      expect(await journal.run('r1')).toMatchObject({ clientId: null });
    });

    test('is empty at first', async () => {
      expect(journal.lastEventId).toBe(0);
      expect(await journal.events({ after: 0, limit: 1 })).toEqual({ events: [], next: 0 });
    });

    test('gives the events of one run', async () => {
      await fill();
      expect(await idsOf({ runId: 'r1' })).toEqual({ ids: [1, 5, 10], next: 10 });
      expect(await idsOf({ runId: 'r1', limit: 2 })).toEqual({ ids: [1, 5], next: 5 });
      expect(await idsOf({ runId: 'r1', after: 5 })).toEqual({ ids: [10], next: 10 });
      expect(await idsOf({ runId: 'r3', after: 4 })).toEqual({ ids: [], next: 10 });
    });

    test('gives the events of a task and of types', async () => {
      await fill();
      expect(await idsOf({ task: 'other' })).toEqual({ ids: [7, 8], next: 10 });
      expect(await idsOf({ types: ['run.finished'] })).toEqual({ ids: [9, 10], next: 10 });
      expect(await idsOf({ types: ['run.started', 'sub-task.retrying'] })).toEqual({
        ids: [1, 2, 3, 7, 8],
        next: 10,
      });
      expect(await idsOf({ task: 'other', types: ['run.started'], limit: 1 })).toEqual({ ids: [7], next: 7 });
      expect(await idsOf({ task: 'none' })).toEqual({ ids: [], next: 10 });
    });

    test('has no run that was not started', async () => {
      const events = journal.events({ after: 0, limit: 1, runId: 'r1' });
      await expect(events).rejects.toMatchObject({ code: 'run-unknown' });
    });

    test('has all that was appended to a run', async () => {
      void writer.append(events.started('r1'));
      void writer.append(events.attempt('r1'));
      expect((await idsOf({ runId: 'r1' })).ids).toEqual([1, 2]);
    });

    test('looks for what fits through a bounded stretch at a time', async () => {
      void writer.append(events.started('r1'));
      for (let n = 0; n < PAGE_STRETCH; n += 1) void writer.append(events.attempt('r1'));
      void writer.append({ ...events.started('other'), task: 'other' });
      await journal.drain();
      expect(await idsOf({ task: 'other' })).toEqual({ ids: [], next: PAGE_STRETCH });
      expect(await idsOf({ task: 'other', after: PAGE_STRETCH })).toEqual({
        ids: [PAGE_STRETCH + 2],
        next: PAGE_STRETCH + 2,
      });
    });

    test('ends a page that gets large', async () => {
      void writer.append(events.started('r1'));
      for (let n = 0; n < 5; n += 1)
        void writer.append(events.succeeded('r1', 'x'.repeat(PAGE_SIZE), `a${n}`));
      await journal.drain();
      expect(await idsOf({})).toEqual({ ids: [1, 2], next: 2 });
      expect(await idsOf({ runId: 'r1', after: 2 })).toEqual({ ids: [3], next: 3 });
    });

    test('are those of runs with a label, or with all of several', async () => {
      const under = (runId: string, labels: Labels) => {
        void writer.append({ ...events.started(runId), labels });
        void writer.append({ ...events.succeeded(runId, { labels: { tenant: 'acme' } }), labels });
      };
      under('r1', { tenant: 'acme', order: '1' });
      under('r2', { tenant: '"acme"' });
      under('r3', { tenant: 'acme' });
      await journal.drain();
      expect(await idsOf({ labels: ['tenant:acme'] })).toEqual({ ids: [1, 2, 5, 6], next: 6 });
      expect(await idsOf({ labels: ['tenant:acme', 'order:1'] })).toEqual({ ids: [1, 2], next: 6 });
      expect(await idsOf({ labels: ['tenant:"acme"'] })).toEqual({ ids: [3, 4], next: 6 });
      expect(await journal.run('r1')).toMatchObject({ labels: { tenant: 'acme', order: '1' } });
    });

    test('shows nothing that was not published', async () => {
      for (let n = 0; n < 200; n += 1) {
        void writer.append(events.started(`r${n}`));
        const { lastEventId } = journal;
        const { ids, next } = await idsOf({ limit: 1000 });
        expect([ids.length, next]).toEqual([lastEventId, lastEventId]);
      }
    });
  });

  describe('with an idempotency key', () => {
    const key = { client: 'ada', key: 'k1', fingerprint: 'f' };

    test('gives it to the run that it is claimed for, and that run to whoever comes later', async () => {
      expect(await journal.claimKey(key, 'r1')).toMatchObject({ runId: 'r1', fingerprint: 'f' });
      await writer.append(events.started('r1'), key);
      const later = { ...key, fingerprint: 'other' };
      expect(await journal.claimKey(later, 'r2')).toMatchObject({ runId: 'r1', fingerprint: 'f' });
    });

    test('tells keys of other clients, and other keys, from it', async () => {
      await journal.claimKey(key, 'r1');
      await writer.append(events.started('r1'), key);
      expect(await journal.claimKey({ ...key, client: 'bob' }, 'r2')).toMatchObject({ runId: 'r2' });
      expect(await journal.claimKey({ ...key, key: 'k2' }, 'r3')).toMatchObject({ runId: 'r3' });
    });

    test('gives it to the next run when the one that it was claimed for did not start', async () => {
      await journal.claimKey(key, 'r1');
      await journal.sharing?.releaseKey(key, 'r1');
      expect(await journal.claimKey(key, 'r2')).toMatchObject({ runId: 'r2' });
    });
  });

  test('takes events of a finished run again once it is reopened', async () => {
    void writer.append(events.started('r1'));
    void writer.append(events.finished('r1'));
    expect(await writer.reopen((await journal.run('r1'))!)).toBe(true);
    void writer.append(events.succeeded('r1', 'late'));
    expect(await journal.run('r1')).toMatchObject({
      status: 'running',
      finishedAt: null,
      reopened: true,
      firstEventId: 1,
      lastEventId: 4,
      subTasks: [{ result: 'late' }, {}],
    });
    expect((await journal.runs({ limit: 1 })).runs).toMatchObject([{ status: 'running', finishedAt: null }]);
    await writer.append(events.finished('r1'));
    expect((await journal.runs({ limit: 1 })).runs).toMatchObject([{ status: 'succeeded' }]);
  });

  test('refuses to reopen a run that was deleted since it was read, and tells nobody that it goes on', async () => {
    void writer.append(events.started('r1'));
    await writer.append(events.finished('r1'));
    const read = (await journal.run('r1'))!;
    await journal.erase('r1');
    const reopened = writer.reopen(read);
    void writer.append(events.started('r2'));
    expect(await reopened).toBe(false);
    expect(writer.refusals).toMatchObject([{ type: 'run.reopened' }]);
    await writer.append(events.attempt('r2'));
    expect(published.map(({ type, runId }) => [type, runId])).toEqual([
      ['run.started', 'r1'],
      ['run.finished', 'r1'],
      ['run.started', 'r2'],
      ['sub-task.started', 'r2'],
    ]);
    expect(await journal.run('r1')).toBeUndefined();
    expect(await journal.run('r2')).toMatchObject({ subTasks: [{ attempts: 1 }, {}] });
    const log = await journal.events({ after: read.lastEventId, limit: 9 });
    expect(log.events.filter(({ runId, type }) => runId === 'r1' && type !== 'run.erased')).toEqual([]);
    expect((await journal.runs({ limit: 9 })).runs).toMatchObject([{ id: 'r2', status: 'running' }]);
  });

  test('has nothing unfinished of an earlier process when it begins empty', async () => {
    void writer.append(events.started('r1'));
    expect(await unfinishedOf(journal)).toEqual([]);
  });

  test('erases a finished run: of its events the numbers and times are left, and of the run nothing', async () => {
    const key = { client: 'ada', key: 'k', fingerprint: 'f' };
    await journal.claimKey(key, 'r1');
    void writer.append({ ...events.started('r1', 'secret'), client: 'ada', labels: { of: 'secret' } }, key);
    void writer.append(events.started('r2', 'kept'));
    void writer.append({ ...events.succeeded('r1', 'secret'), client: 'ada', labels: { of: 'secret' } });
    await journal.drain();
    expect(await journal.erase('r1')).toBe(false);
    void writer.append({ ...events.finished('r1'), client: 'ada', labels: { of: 'secret' } });
    await writer.append(events.attempt('r2'));
    const before = await journal.events({ after: 0, limit: 10 });
    expect(await journal.erase('r1')).toBe(true);
    const after = await journal.events({ after: 0, limit: 10 });
    expect(after).toEqual({
      next: before.next,
      events: before.events.map((event) => {
        const { id, time, runId, task } = event;
        return runId === 'r1'
          ? { id, type: 'run.erased', time, runId, task, client: 'ada', data: {} }
          : event;
      }),
    });
    expect(await journal.run('r1')).toBeUndefined();
    expect(await journal.run('r2')).toMatchObject({ input: 'kept', lastEventId: 5 });
    await expect(journal.events({ runId: 'r1', after: 0, limit: 1 })).rejects.toMatchObject({
      code: 'run-unknown',
    });
    expect((await journal.runs({ limit: 9 })).runs).toMatchObject([{ id: 'r2' }]);
    expect((await journal.runs({ labels: ['of:secret'], limit: 9 })).runs).toEqual([]);
    expect(await journal.claimKey(key, 'r3')).toMatchObject({ runId: 'r3' });
    expect(await journal.erase('r1')).toBe(false);
    expect(await journal.erase('none')).toBe(false);
  });

  test('remembers the tokens that were withdrawn, until they would have ended by themselves', async () => {
    const { tokens } = journal;
    const until = journal.now() + 60_000;
    await tokens.withdraw('t1', until);
    await tokens.withdraw('t1', until);
    await tokens.withdraw('past', journal.now() - 1);
    await tokens.withdraw('t2', until);
    const ids = ['t1', 't2', 't3'];
    const withdrawn = await Promise.all(ids.map((id) => tokens.isWithdrawn(id, until)));
    expect(withdrawn).toEqual([true, true, false]);
    expect(await tokens.secret()).toMatch(/^[\da-f]{64}$/);
    expect(await tokens.secret()).toBe(await tokens.secret());
  });

  test('takes new runs', () => {
    expect(journal.obstacle).toBeUndefined();
  });
});
