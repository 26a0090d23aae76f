import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { EventEmitter2 } from '@nestjs/event-emitter';
import { Client } from 'pg';
import type { RunEvent } from '../../../src/core/events.js';
import type { RunRecord } from '../../../src/core/run-record.js';
import { CommitNotices } from '../../../src/journal/postgres/commit-notices.js';
import { EventBus } from '../../../src/events/event-bus.js';
import { KeyClaims } from '../../../src/journal/postgres/key-claims.js';
import { PostgresJournal } from '../../../src/journal/postgres/postgres-journal.js';
import { PostgresWriter } from '../../../src/journal/postgres/postgres-writer.js';
import { MOST_NOTES } from '../../../src/run/notes.js';
import type { JournaledRun } from '../../../src/run/journaled-run.js';
import { EventWriter } from '../../support/event-writer.js';
import { temporaryDatabase } from '../../support/postgres-database.js';
import { events } from '../../support/run-events.js';

const HOUR_MS = 3_600_000;

describe('the Postgres journal', () => {
  let url: string;
  let client: Client;
  const journals: PostgresJournal[] = [];
  beforeEach(async () => {
    url = await temporaryDatabase();
    client = new Client(url);
    await client.connect();
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    for (const journal of journals.splice(0)) await journal.close();
    await client.end();
  });

  /** A node’s journal, what writes into it, and the log as its watchers are told of it. */
  const open = async () => {
    const bus = new EventBus(new EventEmitter2());
    const log: RunEvent[] = [];
    bus.watchAll((published) => log.push(...published));
    const options = {
      url,
      schema: 'frontrunner',
      role: 'all' as const,
      retentionMs: 0,
      keyRetentionMs: HOUR_MS,
    };
    const journal = await PostgresJournal.open(options, bus);
    journals.push(journal);
    return { journal, bus, writer: new EventWriter(journal), log };
  };
  const rows = async (sql: string) => (await client.query<Record<string, unknown>>(sql)).rows;
  const until = async (holds: () => boolean): Promise<void> => {
    while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5));
  };

  test('reads several runs as far as they fit into memory, the first ones first, and one at least', async () => {
    const { journal, writer } = await open();
    const large = 'x'.repeat(3 * 2 ** 20);
    for (const runId of ['r1', 'r2', 'r3', 'r4']) {
      void writer.append(events.started(runId));
      void writer.append(events.attempt(runId));
      if (runId !== 'r1') await writer.append(events.succeeded(runId, large));
    }
    const read = async (...ids: string[]) => {
      const found = await journal.store.log.runs(ids);
      return Object.fromEntries([...found].map(([id, { texts }]) => [id, texts.length]));
    };
    expect(await read('r1', 'r2', 'r3', 'r4')).toEqual({ r1: 2, r2: 3 });
    expect(await read('r3', 'r4')).toEqual({ r3: 3 });
    expect(await read('r1', 'unknown')).toEqual({ r1: 2, unknown: 0 });
    expect((await journal.store.log.run('r4'))?.texts).toHaveLength(3);
  });

  test('commits the runs of a moment in one transaction, and tells of it once', async () => {
    const [{ journal, writer }] = await Promise.all([open(), open()]);
    const notices: unknown[] = [];
    client.on('notification', ({ payload = '' }) => notices.push(JSON.parse(payload)));
    await client.query('LISTEN frontrunner');
    const committed = Array.from({ length: 50 }, (_, n) => [
      writer.append(events.started(`r${n}`)),
      writer.append(events.attempt(`r${n}`)),
    ]);
    await Promise.all(committed.flat());
    await client.query('SELECT 1');
    expect(notices).toEqual([['events', journal.sharing.nodeId, 100]]);
    expect(
      await rows('SELECT count(DISTINCT xmin::text)::int AS transactions FROM frontrunner.commits'),
    ).toEqual([{ transactions: 1 }]);
  });

  test('tells other nodes at once of what they execute or wait for, and of the rest a moment later', async () => {
    jest.replaceProperty(CommitNotices, 'pauseMs', 2_000);
    const [{ journal, writer }] = await Promise.all([open(), open()]);
    const notices: unknown[] = [];
    client.on('notification', ({ payload = '' }) => notices.push(JSON.parse(payload)));
    await client.query('LISTEN frontrunner');
    await writer.append(events.started('r1'));
    for (let n = 0; n < 5; n += 1) await writer.append(events.attempt('r1', 'a', n));
    await rows(`INSERT INTO frontrunner.placed (run, sub_task, attempt, node, worker)
      VALUES (1, 'b', 0, '${journal.sharing.nodeId}', false)`);
    writer.takeOn('r1', 1);
    await writer.append(events.attempt('r1', 'b'));
    await until(() => notices.length === 2);
    writer.goOn({ id: 'r1', firstEventId: 1 } as RunRecord);
    await writer.append(events.succeeded('r1', 1));
    await until(() => notices.length === 3);
    expect(notices).toEqual([1, 7, 8].map((id) => ['events', journal.sharing.nodeId, id]));
  });

  test('shows every node the whole log in one order, while several write', async () => {
    const nodes = await Promise.all([open(), open(), open()]);
    await Promise.all(
      nodes.map(async ({ journal, writer }, node) => {
        for (let n = 0; n < 100; n += 1) {
          const runId = `r${node}-${n}`;
          void writer.append(events.started(runId));
          const attempt = writer.append(events.attempt(runId));
          if (n % 3 === node) await attempt;
        }
        await journal.drain();
      }),
    );
    const ids = Array.from({ length: 600 }, (_, index) => index + 1);
    for (const { log } of nodes) {
      await until(() => log.length >= 600);
      expect(log.map(({ id }) => id)).toEqual(ids);
      expect(log).toEqual(nodes[0].log);
    }
    const { journal } = nodes[2];
    await until(() => journal.lastEventId === 600);
    const page = await journal.events({ after: 0, limit: 1_000 });
    expect(page).toEqual({ events: nodes[0].log, next: 600 });
  });

  test('gives a key to a second request as soon as its run has started at another node', async () => {
    jest.replaceProperty(KeyClaims, 'pollMs', HOUR_MS);
    const [one, other] = await Promise.all([open(), open()]);
    const key = { client: 'ada', key: 'k', fingerprint: 'f' };
    await one.journal.claimKey(key, 'r1');
    const asked = jest.spyOn(other.journal.store, 'hasRun');
    const claimed = other.journal.claimKey(key, 'r2');
    await until(() => asked.mock.calls.length > 0);
    await asked.mock.results[0]?.value;
    await one.writer.append(events.started('r1'), key);
    expect(await claimed).toMatchObject({ runId: 'r1', isStarted: true });
    expect(asked).toHaveBeenCalledTimes(1);
  });

  test('records a group once whose commit has succeeded without an answer', async () => {
    const { writer, log } = await open();
    // eslint-disable-next-line @typescript-eslint/unbound-method -- called with its writer below
    const commit = PostgresWriter.prototype.commit;
    const spy = jest.spyOn(PostgresWriter.prototype, 'commit').mockImplementationOnce(async function (
      this: PostgresWriter,
      ...group
    ) {
      await commit.apply(this, group);
      throw Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });
    });
    await writer.append(events.started('r1'));
    await writer.append(events.finished('r1'));
    expect(spy).toHaveBeenCalledTimes(3);
    await until(() => log.length === 2);
    expect(log.map(({ id, type }) => [id, type])).toEqual([
      [1, 'run.started'],
      [2, 'run.finished'],
    ]);
    expect(await rows('SELECT id::int FROM frontrunner.events ORDER BY id')).toEqual([{ id: 1 }, { id: 2 }]);
  });

  test('records nothing of a node that was taken for dead', async () => {
    const { journal, writer } = await open();
    await writer.append(events.started('r1'));
    const before = journal.sharing.nodeId;
    await client.query('DELETE FROM frontrunner.nodes');
    const lost = new Promise((resolve) => journal.sharing.lost.subscribe(resolve));
    const told = jest.fn();
    writer.append(events.succeeded('r1', 'late')).then(told, told);
    await lost;
    await until(() => journal.obstacle === undefined);
    expect(journal.sharing.nodeId).not.toBe(before);
    await writer.append(events.started('r2'));
    expect(told).not.toHaveBeenCalled();
    expect(await rows('SELECT type FROM frontrunner.events ORDER BY id')).toEqual([
      { type: 'run.started' },
      { type: 'run.started' },
    ]);
  });

  test('holds outcomes while commits fail, but no more than there is room for: then others go on with its runs', async () => {
    const { journal, writer } = await open();
    await writer.append(events.started('r1'));
    const commit = jest.spyOn(PostgresWriter.prototype, 'commit').mockRejectedValue(new Error('away'));
    const losses: unknown[] = [];
    journal.sharing.lost.subscribe((loss) => losses.push(loss));
    const outcome = 'x'.repeat(64 * 2 ** 20);
    void writer.append(events.attempt('r1'));
    await until(() => journal.obstacle?.code === 'journal-unavailable');
    for (let n = 0; n < 3; n += 1) void writer.append(events.succeeded('r1', outcome, `a${n}`));
    expect(losses).toHaveLength(0);
    for (let n = 3; n < 5 && losses.length === 0; n += 1)
      void writer.append(events.succeeded('r1', outcome, `a${n}`));
    expect(losses).toHaveLength(1);
    commit.mockRestore();
    await until(() => journal.obstacle === undefined);
    expect(await rows('SELECT type FROM frontrunner.events')).toEqual([{ type: 'run.started' }]);
    expect(await rows('SELECT id FROM frontrunner.nodes')).toEqual([{ id: journal.sharing.nodeId }]);
  });

  describe('a sub-task that left the node of its run', () => {
    const setUp = async () => {
      const nodes = await Promise.all([open(), open(), open()]);
      const [{ journal: follower, writer: owner }, { writer: first }, { writer: second }] = nodes;
      await owner.append(events.started('r1'));
      const place = (writer: EventWriter | null, attempt: number) =>
        client.query(
          `INSERT INTO frontrunner.placed (run, sub_task, attempt, node, worker) VALUES (1, 'a', $2, $1, false)
           ON CONFLICT (run, sub_task) DO UPDATE SET node = $1, attempt = $2`,
          [nodes.find((node) => node.writer === writer)?.journal.sharing.nodeId ?? null, attempt],
        );
      for (const writer of [first, second]) writer.takeOn('r1', 1);
      const refusals = () =>
        [first, second].flatMap((writer) =>
          writer.refusals.map((event) => [event.runId, event.type, 'attempt' in event && event.attempt]),
        );
      return { follower, first, second, place, refusals };
    };
    const recorded = () =>
      rows(
        `SELECT type, attempt, data::json -> 'result' AS result FROM frontrunner.events WHERE sub_task = 'a' ORDER BY id`,
      );

    test('is recorded as the attempt that counts has it, whoever else reports', async () => {
      const { first, second, place, refusals } = await setUp();
      await place(first, 0);
      await first.append(events.attempt('r1', 'a', 1));
      await place(second, 1);
      await second.append(events.attempt('r1', 'a', 2));
      await expect(first.append(events.succeeded('r1', 'stale', 'a', 1))).rejects.toThrow('was refused');
      expect(refusals()).toEqual([['r1', 'sub-task.succeeded', 1]]);
      await expect(first.append(events.succeeded('r1', 'again', 'a', 1))).rejects.toThrow('was refused');
      await second.append(events.succeeded('r1', 'fresh', 'a', 2));
      expect(await recorded()).toEqual([
        { type: 'sub-task.started', attempt: 1, result: null },
        { type: 'sub-task.started', attempt: 2, result: null },
        { type: 'sub-task.succeeded', attempt: 2, result: 'fresh' },
      ]);
      expect(await rows('SELECT * FROM frontrunner.placed')).toEqual([]);
    });

    test('is known to the run before that is read, though its node has heard nothing of it', async () => {
      const { follower, first, place } = await setUp();
      const told: string[] = [];
      const committed = ({ type }: RunEvent) => told.push(type);
      const run = { id: 'r1', lastEventId: 1, commits: [], originFields: {}, committed };
      follower.sharing.share(run as unknown as JournaledRun);
      jest.spyOn(follower as unknown as { hear(): void }, 'hear').mockImplementation(() => undefined);
      await place(first, 0);
      await first.append(events.attempt('r1', 'a', 1));
      await follower.committed('r1');
      expect(told).toEqual(['sub-task.started']);
    });

    test('begins an attempt once, although it was delivered twice', async () => {
      const { first, place, refusals } = await setUp();
      await place(first, 0);
      await first.append(events.attempt('r1', 'a', 1));
      await expect(first.append(events.attempt('r1', 'a', 1))).rejects.toThrow('was refused');
      expect(refusals()).toHaveLength(1);
      expect(await recorded()).toHaveLength(1);
    });

    test('has its number in the log without a gap where others were refused in the same commit', async () => {
      const { first, place, follower } = await setUp();
      await place(null, 1);
      const committed = [
        first.append(events.started('r2')),
        first.append(events.succeeded('r1', 'stale', 'a', 1)),
        first.append(events.started('r3')),
        first.append(events.attempt('r3')),
        first.append(events.finished('r3')),
      ];
      expect((await Promise.allSettled(committed)).map(({ status }) => status)).toEqual([
        'fulfilled',
        'rejected',
        'fulfilled',
        'fulfilled',
        'fulfilled',
      ]);
      expect(await rows('SELECT id::int, run::int, type FROM frontrunner.events ORDER BY id')).toEqual([
        { id: 1, run: 1, type: 'run.started' },
        { id: 2, run: 2, type: 'run.started' },
        { id: 3, run: 3, type: 'run.started' },
        { id: 4, run: 3, type: 'sub-task.started' },
        { id: 5, run: 3, type: 'run.finished' },
      ]);
      expect(await follower.run('r3')).toMatchObject({ status: 'succeeded' });
      const { runs } = await follower.runs({ limit: 9 });
      expect(runs.map(({ id, status }) => [id, status])).toEqual([
        ['r3', 'succeeded'],
        ['r2', 'running'],
        ['r1', 'running'],
      ]);
    });
  });

  describe('a run', () => {
    const record = async ({ journal }: { journal: PostgresJournal }) => {
      const run = await journal.run('r1');
      if (!run) throw new Error('There is no run r1');
      return run;
    };
    const firsts = (table: string) => rows(`SELECT first::int FROM frontrunner.${table} ORDER BY first`);
    const commits = async () =>
      (await rows('SELECT commits::text FROM frontrunner.runs')).map((row) => row.commits);

    test('is told of by the node alone that has it: what another says of it is refused, and it ends once', async () => {
      const [owner, other] = await Promise.all([open(), open()]);
      await owner.writer.append(events.started('r1'));
      await rows(`UPDATE frontrunner.open_runs SET node = '${other.journal.sharing.nodeId}'`);
      const late = [events.succeeded('r1', 'late'), events.replied('r1', 'late'), events.finished('r1')].map(
        (event) => owner.writer.append(event),
      );
      const own = owner.writer.append(events.started('r2'));
      for (const refused of late) await expect(refused).rejects.toThrow('was refused');
      await own;
      other.writer.goOn(await record(other));
      void other.writer.append(events.succeeded('r1', 'in time'));
      await other.writer.append(events.finished('r1'));
      await expect(other.writer.append(events.finished('r1'))).rejects.toThrow('was refused');
      await expect(owner.writer.append(events.finished('r1'))).rejects.toThrow('was refused');
      expect(await rows('SELECT id::int, run_id, type FROM frontrunner.events ORDER BY id')).toEqual([
        { id: 1, run_id: 'r1', type: 'run.started' },
        { id: 2, run_id: 'r2', type: 'run.started' },
        { id: 3, run_id: 'r1', type: 'sub-task.succeeded' },
        { id: 4, run_id: 'r1', type: 'run.finished' },
      ]);
      expect(await record(owner)).toMatchObject({
        status: 'succeeded',
        subTasks: [{ result: 'in time' }, {}],
      });
      expect(await rows('SELECT id FROM frontrunner.runs')).toEqual([{ id: 'r1' }]);
      expect(await rows('SELECT id FROM frontrunner.open_runs')).toEqual([{ id: 'r2' }]);
    });

    test('is reopened only by a node that has read its last end, and what was asked to end it before is done with', async () => {
      const [owner, other] = await Promise.all([open(), open()]);
      await owner.writer.append(events.started('r1'));
      await other.journal.sharing.command({ runId: 'r1', kind: 'cancel' });
      await other.journal.sharing.command({ runId: 'r1', kind: 'retry', subTask: 'a' });
      await owner.writer.append(events.finished('r1'));
      const before = await record(other);
      expect(await owner.writer.reopen(before)).toBe(true);
      expect(await rows('SELECT kind FROM frontrunner.commands')).toEqual([{ kind: 'retry' }]);
      await owner.writer.append(events.finished('r1'));
      expect(await other.writer.reopen(before)).toBe(false);
      // A run that was told by other nodes of what they committed has its commits in another order.
      const { commits = [], ...now } = await record(other);
      expect(await other.writer.reopen({ ...now, commits: commits.toReversed() })).toBe(true);
    });

    test('that has been open for long is read whole, from the commits that are far behind its beginning too', async () => {
      const [owner, other] = await Promise.all([open(), open()]);
      await owner.writer.append(events.started('r1'));
      await owner.writer.append(events.attempt('r1'));
      await rows('UPDATE frontrunner.log_head SET last_id = 60000');
      await owner.writer.append(events.retrying('r1', 'boom'));
      await owner.writer.append(events.attempt('r1', 'a', 2));
      expect(await firsts('late_commits')).toEqual([{ first: 60_001 }, { first: 60_002 }]);
      expect(await record(other)).toMatchObject({
        status: 'running',
        commits: [1, 2, 60_001, 60_002],
        subTasks: [{ attempts: 2, failures: 1 }, {}],
      });
      await owner.writer.append(events.finished('r1'));
      expect(await firsts('late_commits')).toEqual([]);
      expect(await commits()).toEqual(['{1,2,60001,60002,60003}']);
      const finished = await record(other);
      expect(await other.writer.reopen(finished)).toBe(true);
      expect(await owner.writer.reopen(finished)).toBe(false);
      expect(await record(owner)).toMatchObject({
        status: 'running',
        commits: [1, 2, 60_001, 60_002, 60_003, 60_004],
      });
      // Whoever reopened it need not have known its commits.
      other.writer.goOn({ ...finished, commits: [] });
      await other.writer.append(events.finished('r1'));
      expect(await commits()).toEqual(['{1,2,60001,60002,60003,60004,60005}']);
      expect(await firsts('late_commits')).toEqual([]);
    });

    test('has its events in several rows of a commit that is large', async () => {
      const { journal, writer } = await open();
      const large = 'x'.repeat(200 * 2 ** 10);
      void writer.append(events.started('r2'));
      void writer.append(events.started('r1'));
      void writer.append(events.succeeded('r1', large, 'a'));
      void writer.append(events.succeeded('r1', large, 'b'));
      void writer.append(events.succeeded('r2', large, 'a'));
      await writer.append(events.finished('r1'));
      expect(await firsts('commits')).toEqual([{ first: 1 }, { first: 4 }, { first: 5 }]);
      expect(await commits()).toEqual(['{1,4,5}']);
      expect(await record({ journal })).toMatchObject({
        status: 'succeeded',
        subTasks: [{ result: large }, { result: large }],
      });
      expect((await journal.events({ after: 2, limit: 9 })).events.map(({ id }) => id)).toEqual([3, 4, 5]);
    });

    test('has no row behind its end, though events before it were refused, and can be reopened', async () => {
      const { journal, writer } = await open();
      const large = 'x'.repeat(200 * 2 ** 10);
      await writer.append(events.started('r2'));
      writer.takeOn('r3', 99);
      const refused = writer.append(events.succeeded('r3', 'stale'));
      void writer.append(events.started('r1'));
      void writer.append(events.succeeded('r1', large));
      void writer.append(events.finished('r1'));
      await writer.append(events.succeeded('r2', large));
      await expect(refused).rejects.toThrow('was refused');
      expect(await firsts('commits')).toEqual([{ first: 1 }, { first: 2 }, { first: 5 }]);
      expect(await commits()).toEqual(['{2}']);
      expect(await writer.reopen(await record({ journal }))).toBe(true);
    });
  });

  test('shows runs, sub-tasks and attempts to whoever looks into the database', async () => {
    const { writer } = await open();
    void writer.append(events.started('r1'));
    void writer.append(events.attempt('r1'));
    void writer.append(events.retrying('r1', 'boom'));
    void writer.append(events.attempt('r1', 'a', 2));
    await writer.append(events.succeeded('r1', { deep: 1 }, 'a', 2));
    expect(
      await rows('SELECT run_id, sub_task, attempts, outcome, result FROM frontrunner.sub_tasks'),
    ).toEqual([{ run_id: 'r1', sub_task: 'a', attempts: 2, outcome: 'succeeded', result: { deep: 1 } }]);
    expect(await rows('SELECT attempt, outcome, error FROM frontrunner.attempts ORDER BY attempt')).toEqual([
      { attempt: 1, outcome: 'retrying', error: 'boom' },
      { attempt: 2, outcome: 'succeeded', error: null },
    ]);
  });

  test('deletes finished runs and keys when they are old enough', async () => {
    const options = { url, schema: 'frontrunner', role: 'all' as const, retentionMs: 1, keyRetentionMs: 1 };
    const { v7 } = await import('uuid');
    const { journal, writer } = await open();
    const old = v7({ msecs: Date.now() - HOUR_MS });
    await journal.claimKey({ client: '', key: 'k', fingerprint: 'f' }, old);
    void writer.append(events.started(old));
    void writer.append(events.finished(old));
    await writer.append(events.started('unfinished'));
    journals.push(await PostgresJournal.open(options, new EventBus(new EventEmitter2())));
    while ((await rows('SELECT id FROM frontrunner.runs')).length > 0) await rows('SELECT 1');
    while ((await rows('SELECT key FROM frontrunner.idempotency_keys')).length > 0) await rows('SELECT 1');
    expect(await rows('SELECT id FROM frontrunner.runs_and_open')).toEqual([{ id: 'unfinished' }]);
    expect(await rows('SELECT run_id FROM frontrunner.events')).toEqual([{ run_id: 'unfinished' }]);
  });

  test('shows notes to all nodes, also after their node has left', async () => {
    const one = await open();
    const note = { kind: 'kind', name: 'a\0', text: 'b\0', until: one.journal.now() + HOUR_MS };
    await one.journal.notes.put(note);
    const { journal } = await open();
    await one.journal.close();
    const until = Math.ceil(note.until);
    expect(await journal.notes.find('kind', 'a\0')).toEqual({
      ...note,
      name: 'a\uFFFD',
      text: 'b\uFFFD',
      until,
    });
    await journal.notes.remove('kind', 'a\0');
    expect(await journal.notes.all('kind')).toEqual([]);
  });

  test('deletes notes that have ended, and of too many those that end first', async () => {
    await open();
    const kept = (await rows('SELECT extract(epoch FROM now())::int8::float8 * 1000 AS now'))[0]!
      .now as number;
    await rows(`
      INSERT INTO frontrunner.notes
      SELECT 'kind', n, '', ${kept} + CASE WHEN n <= 2000 THEN -n ELSE ${HOUR_MS} + n END
      FROM generate_series(1, ${2_000 + 3 + MOST_NOTES}) AS n`);
    await open();
    const found = 'SELECT count(*)::int AS notes, min(name::int) AS first FROM frontrunner.notes';
    while ((await rows(found))[0]!.notes !== MOST_NOTES) await rows('SELECT 1');
    expect(await rows(found)).toEqual([{ notes: MOST_NOTES, first: 2_004 }]);
  });

  test('keeps runs that a webhook has not read, and deletes the deliveries that were given up long ago', async () => {
    const options = { url, schema: 'frontrunner', role: 'all' as const, retentionMs: 1, keyRetentionMs: 1 };
    const { v7 } = await import('uuid');
    const { journal, writer } = await open();
    const finish = async (id: string) => {
      void writer.append(events.started(id));
      await writer.append(events.finished(id));
    };
    const [read, unread] = [v7({ msecs: Date.now() - HOUR_MS }), v7({ msecs: Date.now() - HOUR_MS })];
    await finish(read);
    const [{ finished_at: before }] = (await rows(
      'SELECT finished_at::int8::float8 FROM frontrunner.runs',
    )) as [{ finished_at: number }];
    await until(() => journal.now() > before + 1);
    await finish(unread);
    const { webhooks } = journal;
    const webhook = { id: 'w', terms: '{}', client: null, createdAt: 1, revision: 1 };
    const cursor = { cursor: 2, cursorAt: before + 1 };
    await webhooks.add({ ...webhook, paused: 'request', pausedAt: 1, ...cursor });
    await webhooks.hold();
    const dead = (event: number, changedAt: number) => ({
      ...{
        webhook: 'w',
        event,
        target: 0,
        runId: read,
        task: 't',
        type: 'run.finished',
        state: 'dead' as const,
      },
      ...{ attempts: 1, dueAt: null, changedAt, report: null, body: '{}', terms: null },
    });
    await webhooks.settle('w', { ...cursor, deliveries: [dead(1, before), dead(2, before + HOUR_MS)] });
    journals.push(await PostgresJournal.open(options, new EventBus(new EventEmitter2())));
    while ((await webhooks.deliveries({}, 9)).length > 1) await rows('SELECT 1');
    while (await journal.run(read)) await rows('SELECT 1');
    expect(await rows('SELECT id FROM frontrunner.runs')).toEqual([{ id: unread }]);
    expect(await webhooks.deliveries({}, 9)).toEqual([dead(2, before + HOUR_MS)]);
  });

  test('erases a run from all tables, tells the other nodes, and deletes what is left of it in time', async () => {
    const { v7 } = await import('uuid');
    const [{ journal, writer }, other] = await Promise.all([open(), open()]);
    const erased: unknown[] = [];
    other.bus.onErased((runId) => erased.push(runId));
    const id = v7({ msecs: Date.now() - HOUR_MS });
    const key = { client: '', key: 'secret', fingerprint: 'secret' };
    await journal.claimKey(key, id);
    void writer.append({ ...events.started(id, 'secret'), labels: { of: 'secret' } }, key);
    void writer.append(events.started('goes-on', 'kept'));
    void writer.append(events.succeeded(id, 'secret'));
    await writer.append(events.finished(id));
    const record = (await journal.run(id))!;
    const tables = ['commits', 'runs', 'erased_runs', 'run_labels', 'idempotency_keys'];
    const texts = tables.map((table) => `SELECT t::text AS text FROM frontrunner.${table} t`);
    const found = async () =>
      (await rows(texts.join(' UNION ALL '))).filter(({ text }) => String(text).includes('secret')).length;
    expect(await found()).toBe(3);
    expect(await journal.erase(id)).toBe(true);
    expect(await found()).toBe(0);
    await until(() => erased.includes(id));
    expect(await other.writer.reopen(record)).toBe(false);
    expect(await other.journal.run('goes-on')).toMatchObject({ input: 'kept' });
    const options = { url, schema: 'frontrunner', role: 'all' as const, retentionMs: 1, keyRetentionMs: 1 };
    journals.push(await PostgresJournal.open(options, new EventBus(new EventEmitter2())));
    while ((await rows('SELECT id FROM frontrunner.erased_runs')).length > 0) await rows('SELECT 1');
    expect(await rows('SELECT run_id FROM frontrunner.events')).toEqual([{ run_id: 'goes-on' }]);
  });
});
