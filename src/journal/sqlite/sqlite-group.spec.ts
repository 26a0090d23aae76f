import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { join } from 'node:path';
import { events } from '../../../test/support/run-events.js';
import { storeOptions } from '../../../test/support/store-options.js';
import { silentRun } from '../../../test/support/silent-run.js';
import { temporaryDirectory } from '../../../test/support/temporary-directory.js';
import type { NewEvent } from '../../core/events.js';
import { aboutRun } from '../../core/new-event.js';
import type { IdempotencyKey } from '../../run/idempotency-key.js';
import type { JournaledRun } from '../../run/journaled-run.js';
import { headOf } from '../event-text.js';
import { MAX_ROW, SqliteGroup } from './sqlite-group.js';
import { SqliteStore } from './sqlite-store.js';
import { verifyLog } from './verify-log.js';

const directory = temporaryDirectory();
let databases = 0;

const runWith = (id: string): JournaledRun => silentRun(id, aboutRun(id, { task: 'task' }));

describe('a group of events', () => {
  let path: string;
  let store: SqliteStore;
  let runs: Map<string, JournaledRun>;
  beforeEach(async () => {
    path = join(directory, `${++databases}.db`);
    store = SqliteStore.open(storeOptions(path));
    store.claim();
    runs = new Map(['r1', 'r2', 'r3', '00', '01'].map((id) => [id, runWith(id)]));
  });
  afterEach(() => {
    store.close();
  });

  const add = (group: SqliteGroup, event: NewEvent, key?: IdempotencyKey): void =>
    group.add(runs.get(event.runId)!, { id: 0, time: '', ...event }, key);

  /** Commits events as one group. */
  function commit(...appended: readonly NewEvent[]): SqliteGroup {
    const group = new SqliteGroup(store.state().lastId + 1);
    for (const event of appended) add(group, event);
    store.commit(group.rows);
    return group;
  }

  const commitsOf = (id: string) => store.run(id, store.state().lastId)?.commits;
  const idsOf = (id: string) => store.run(id, store.state().lastId)?.texts.map((text) => headOf(text)?.id);
  const statuses = async () =>
    (await store.runs({ limit: 10 })).map(({ id, status }) => [id, status] as const);

  test('is one row, which its runs know', () => {
    const { rows } = commit(events.started('r1'), events.started('r2'), events.attempt('r1'));
    expect(rows.commits).toHaveLength(3);
    commit(events.attempt('r2'), events.finished('r1'));
    expect([runs.get('r1')!.commits, runs.get('r2')!.commits]).toEqual([
      [1, 4],
      [1, 4],
    ]);
    expect([commitsOf('r1'), commitsOf('r2')]).toEqual([
      [1, 4],
      [1, 4],
    ]);
    expect([idsOf('r1'), idsOf('r2')]).toEqual([
      [1, 3, 5],
      [2, 4],
    ]);
  });

  test('is several rows of whole events when it is large', () => {
    const large = 'x'.repeat(MAX_ROW * 0.4);
    const { rows } = commit(
      events.started('r1', 'x'.repeat(MAX_ROW * 2)),
      events.started('r2'),
      ...['a', 'b', 'a', 'b'].map((subTask) => events.succeeded('r2', large, subTask)),
      events.finished('r1'),
      events.finished('r2'),
    );
    const lengths = rows.commits.filter((_, at) => at % 3 === 2).map((text) => (text as string).length);
    expect(rows.commits.filter((_, at) => at % 3 < 2)).toEqual([1, 1, 2, 4, 5, 8]);
    expect(lengths.slice(1).filter((length) => length > MAX_ROW + 2)).toEqual([]);
    expect([commitsOf('r1'), commitsOf('r2')]).toEqual([
      [1, 5],
      [2, 5],
    ]);
    expect([idsOf('r1'), idsOf('r2')]).toEqual([
      [1, 7],
      [2, 3, 4, 5, 6, 8],
    ]);
    expect(store.state().lastId).toBe(8);
  });

  test('has a run that starts and finishes in it among the finished ones alone, and its key', async () => {
    const group = new SqliteGroup(1);
    add(group, events.started('r1'), { client: 'ada', key: 'k', fingerprint: 'f' });
    add(group, { ...events.started('r2'), client: 'ada:1' });
    add(group, events.finished('r1'));
    expect(group.rows.started).toEqual([2, 'r2', 'task', expect.any(Number), 'ada:1', null, null]);
    store.commit(group.rows);
    expect(store.state().openRuns).toEqual(['r2']);
    expect(await statuses()).toEqual([
      ['r2', 'running'],
      ['r1', 'succeeded'],
    ]);
    expect(store.runOfKey('ada', 'k', 0)).toEqual({ runId: 'r1', fingerprint: 'f' });
  });

  test('moves a run that finishes, goes on again and finishes once more', async () => {
    commit(events.started('r1'), events.started('r2'));
    commit(events.finished('r1'));
    commit({ type: 'run.reopened', runId: 'r1', task: 'task', data: {} });
    expect(store.state().openRuns).toEqual(['r1', 'r2']);
    expect(await statuses()).toEqual([
      ['r2', 'running'],
      ['r1', 'running'],
    ]);
    expect(idsOf('r1')).toEqual([1, 3, 4]);
    commit(events.attempt('r1'), events.finished('r1'));
    expect(store.state().openRuns).toEqual(['r2']);
    expect([commitsOf('r1'), idsOf('r1')]).toEqual([
      [1, 3, 4, 5],
      [1, 3, 4, 5, 6],
    ]);
  });

  test('leaves nothing open of a run that was deleted before it could be reopened, and says so however often it is asked', () => {
    commit(events.started('00'), events.started('01'));
    commit(events.finished('00'));
    expect(store.deleteFinished(Date.now() + 1, 100)).toBe(1);
    const group = new SqliteGroup(4);
    add(group, events.attempt('01'));
    add(group, { type: 'run.reopened', runId: '00', task: 'task', data: {} });
    expect([store.commit(group.rows), store.commit(group.rows)]).toEqual([[5], [5]]);
    expect(store.state()).toEqual({ lastId: 5, openRuns: ['01'] });
    const typesFrom = (id: number) =>
      store.events({ after: id - 1, limit: 9 }, 5)?.texts.map((text) => headOf(text)?.type);
    expect(typesFrom(4)).toEqual(['sub-task.started', 'run.erased']);
    expect(verifyLog(path).flaws).toEqual([]);
    expect(store.deleteFinished(Date.now() + 1, 100)).toBe(1);
    expect(typesFrom(4)).toEqual(['sub-task.started']);
    commit(events.finished('01'));
    expect(verifyLog(path)).toMatchObject({ lastId: 6, flaws: [] });
  });

  test('takes the number of a run that was erased before it could be reopened out of the log with the others', () => {
    commit(events.started('00'), events.started('01'));
    commit(events.finished('00'));
    expect(store.erase('00')).toBe(true);
    const group = new SqliteGroup(4);
    add(group, { type: 'run.reopened', runId: '00', task: 'task', data: {} });
    expect(store.commit(group.rows)).toEqual([4]);
    expect(store.deleteFinished(Date.now() + 1, 100)).toBe(1);
    expect(store.events({ after: 0, limit: 9 }, 4)?.texts).toEqual([expect.stringMatching(/"01"/)]);
    expect(verifyLog(path).flaws).toEqual([]);
  });

  test('has the events of a live run where its commits say, also those to come', () => {
    commit(events.started('r1'), events.started('r2'));
    commit(events.attempt('r2'), events.attempt('r1'));
    const query = { runId: 'r1', after: 1, limit: 9, commits: [1, 3, 5] };
    expect(store.events(query, 4)?.texts).toEqual([expect.stringMatching(/^\{"id":4,/)]);
    expect(store.events(query, 4)?.next).toBe(4);
  });

  test('tells which open runs have events in which commits, and brings those', () => {
    commit(events.started('r1'), events.started('r2'), events.started('r3'));
    commit(events.finished('r2'));
    commit(events.attempt('r3'));
    const sizeOf = (id: number) => store.events({ after: id - 1, limit: 1 }, 5)?.texts[0]?.length;
    expect(store.commitsOfOpen(0, 5)).toEqual({
      found: ['r1', 1, sizeOf(1), 'r3', 1, sizeOf(3), 'r3', 5, sizeOf(5)],
      next: 5,
    });
    const texts = store.eventsOfRuns(['r1', 'r3'], [1, 5]);
    expect(texts.map((of) => of.map((text) => headOf(text)?.id))).toEqual([[1], [3, 5]]);
  });

  test('keeps of a commit what belongs to runs that are kept, and goes when that is nothing', () => {
    commit(events.started('00'), events.started('01'));
    commit(events.attempt('00'));
    commit(events.finished('00'));
    expect(store.deleteFinished(Date.now() + 1, 100)).toBe(1);
    expect(store.run('00', store.state().lastId)).toBeUndefined();
    expect(idsOf('01')).toEqual([2]);
    expect(store.events({ after: 0, limit: 9 }, 4)).toEqual({
      texts: [expect.stringMatching(/^\{"id":2,.*"01"/)],
      next: 4,
    });
    const next = commit(events.finished('01'));
    expect(next.firstId).toBe(5);
    expect(store.deleteFinished(Date.now() + 1, 100)).toBe(1);
    expect(store.events({ after: 0, limit: 9 }, 5)).toEqual({ texts: [], next: 5 });
    expect(store.state()).toEqual({ lastId: 5, openRuns: [] });
  });
});
