import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { Pool } from 'pg';
import { PgBoss } from 'pg-boss';
import type { CapturedLog } from '../../support/captured-log.js';
import { CommandLine } from '../../support/command-line.js';
import { expectProblem } from '../../support/problem.js';
import { temporaryDatabase } from '../../support/postgres-database.js';
import { tasksFiles } from '../../support/tasks-file.js';
import { temporaryDirectory } from '../../support/temporary-directory.js';
import type { ShownRun, TestApp } from '../../support/test-app.js';
import { TestCluster } from '../../support/test-cluster.js';
import { json, UpstreamServer } from '../../support/upstreams.js';

const BURIED = /^print was under way in too many nodes that died.*frontrunner queue redrive/;

type Env = Readonly<Record<string, string>>;

describe('frontrunner queue', () => {
  const directory = temporaryDirectory();
  const write = tasksFiles();
  const cluster = new TestCluster();
  const line = new CommandLine(directory, 'queue');
  let upstream: UpstreamServer;
  let env: Env;
  let api: TestApp;
  let worker: TestApp | undefined;
  /** Where all nodes log: Nest has one logger in a process, that of the node which started last. */
  let log: CapturedLog;

  beforeAll(async () => {
    upstream = await UpstreamServer.start(json('printed'));
    const subTask = `{ kind: http, name: print, url: '${upstream.origin}/', allowPrivate: true, placement: worker }`;
    const tasks = write(`tasks: { report: { subTasks: [${subTask}] } }\n`);
    env = { DATABASE_URL: await cluster.url(), TASKS_FILE: tasks };
    api = await cluster.start([], { ...env, ROLE: 'api' });
    log = api.log;
  });
  afterEach(async () => {
    if (worker) await cluster.stop(worker);
    worker = undefined;
    log = api.log;
  });
  afterAll(async () => {
    await cluster.end();
    await upstream.close();
  });

  const queue = (args: readonly string[], given: Env = { DATABASE_URL: env.DATABASE_URL! }) =>
    line.run(args, { env: given });
  const startWorker = async (): Promise<void> => {
    worker = await cluster.start([], { ...env, ROLE: 'worker' });
    log = worker.log;
  };

  /** Starts a run whose sub-task waits for a worker; resolves with its id. */
  async function startRun(): Promise<string> {
    const request = api.http.post('/tasks/report/runs').set('Prefer', 'respond-async').expect(202);
    const { body } = (await request) as { body: { id: string } };
    return body.id;
  }

  /** A run whose sub-task twenty nodes died of, as the nodes that are left find it. */
  async function buriedRun(): Promise<string> {
    const runId = await startRun();
    await bury(runId);
    return runId;
  }

  async function bury(runId: string): Promise<void> {
    await cluster.query('DELETE FROM frontrunner_queue.job WHERE name = $1', ['worker-sub-tasks']);
    await cluster.query(`UPDATE frontrunner.placed SET node = 'gone', deliveries = 20`);
    const buried = log.said(({ runId: of, msg }) => of === runId && BURIED.test(msg));
    await cluster.query(`SELECT pg_notify('frontrunner', '["left", "gone"]')`);
    await buried;
  }

  test('shows a sub-task that too many nodes died of, and lets it go on where it was', async () => {
    const runId = await buriedRun();
    const listed = await queue(['list']);
    expect(listed).toMatchObject({ code: 0, stderr: '' });
    const [head, row, ...rest] = listed.stdout.trimEnd().split('\n');
    expect(head).toMatch(/^RUN +TASK +SUB-TASK +SINCE +DELIVERED +WHY$/);
    expect(row).toMatch(
      new RegExp(`^${runId}  report  print +\\S+Z  20 +was under way in that many nodes that died$`),
    );
    expect(rest).toEqual([]);
    expect(await line.spawn(['redrive', runId], { env: { DATABASE_URL: env.DATABASE_URL! } })).toEqual({
      code: 0,
      stdout: `print of the run ${runId} goes back to worker-sub-tasks\n`,
      stderr: '',
    });
    const rows = await cluster.query('SELECT node, deliveries FROM frontrunner.placed');
    expect(rows).toEqual([{ node: null, deliveries: 0 }]);
    expect(await queue(['list'])).toEqual({
      code: 0,
      stdout: '',
      stderr: 'The dead-letter queue is empty\n',
    });
    await startWorker();
    expect(await api.finishedRun(runId)).toMatchObject({ status: 'succeeded' });
  });

  test('shows one that could not be delivered, and why, and sends it back with all others', async () => {
    const runId = await startRun();
    const boss = new PgBoss({
      connectionString: env.DATABASE_URL!,
      schema: 'frontrunner_queue',
      migrate: false,
    });
    await boss.start();
    await cluster.query('UPDATE frontrunner_queue.job SET retry_limit = 0');
    const [job] = await boss.fetch('worker-sub-tasks');
    await boss.fail('worker-sub-tasks', job!.id, new Error('the database was away'));
    await boss.stop({ graceful: false });
    expect((await queue(['list'])).stdout).toMatch(
      new RegExp(`\n${runId}  report  print +\\S+Z  1 +the database was away\n$`),
    );
    expect((await api.showRun(runId)).subTasks).toMatchObject([{ deadLetter: true }]);
    // A node may be sent it once more, and then it waits no longer.
    await cluster.query('UPDATE frontrunner.placed SET node = $1', [cluster.idOf(api)]);
    expect((await api.showRun(runId)).subTasks[0]).not.toHaveProperty('deadLetter');
    await cluster.query('UPDATE frontrunner.placed SET node = NULL');
    expect((await queue(['redrive', '--all'])).stdout).toContain(`${runId} goes back to worker-sub-tasks`);
    expect((await queue(['redrive', '--all'])).stderr).toBe('The dead-letter queue is empty\n');
    await startWorker();
    expect(await api.finishedRun(runId)).toMatchObject({ status: 'succeeded' });
  });

  test('shows the same over HTTP, and sends it on its way', async () => {
    const runId = await buriedRun();
    const listed = (limit: number) => api.http.get(`/queue/dead-letters?limit=${limit}`).expect(200);
    const letter = { runId, task: 'report', subTask: 'print', since: expect.any(String), deliveries: 20 };
    const reason = 'was under way in that many nodes that died';
    expect((await listed(1)).body).toEqual({
      deadLetters: [{ ...letter, reason, links: { run: `/runs/${runId}` } }],
    });
    const redrive = (filter: object) => api.http.post('/admin/queue/redrive').send(filter);
    await expectProblem(api, await redrive({ runs: ['unknown', runId] }), 404, 'not-found');
    for (const filter of [{}, { runs: [runId], all: true }, { runs: [] }])
      await expectProblem(api, await redrive(filter), 400, 'invalid-request');
    expect((await redrive({ runs: [runId] }).expect(202)).body).toEqual({ redriven: 1 });
    expect((await listed(1000)).body).toEqual({ deadLetters: [] });
    expect((await redrive({ all: true }).expect(202)).body).toEqual({ redriven: 0 });
    await startWorker();
    expect(await api.finishedRun(runId)).toMatchObject({ status: 'succeeded' });
  });

  test('is told of by its run, at any node, until that is redriven', async () => {
    const other = await cluster.start([], { ...env, ROLE: 'api' });
    log = other.log;
    const runId = await startRun();
    const waiting = { name: 'print', status: 'pending', attempts: 0 };
    const shown = () => Promise.all([api, other].map((node) => node.showRun(runId)));
    for (const { subTasks } of await shown()) {
      expect(subTasks).toMatchObject([waiting]);
      expect(subTasks[0]).not.toHaveProperty('deadLetter');
    }
    await bury(runId);
    for (const { status, subTasks } of await shown()) {
      expect(status).toBe('running');
      expect(subTasks).toMatchObject([{ ...waiting, deadLetter: true }]);
    }
    const tag = (await api.http.get(`/runs/${runId}`).expect(200)).get('ETag')!;
    await other.http.get(`/runs/${runId}`).set('If-None-Match', tag).expect(304);
    expect((await queue(['redrive', runId])).code).toBe(0);
    const redriven = await api.http.get(`/runs/${runId}`).set('If-None-Match', tag).expect(200);
    expect((redriven.body as ShownRun).subTasks[0]).not.toHaveProperty('deadLetter');
    await cluster.stop(other);
    log = api.log;
    await startWorker();
    expect(await api.finishedRun(runId)).toMatchObject({ status: 'succeeded' });
  });

  test('keeps no caller waiting once its run is cancelled', async () => {
    const before = api.events.length;
    const answered = api.run('report');
    const { runId } = await api.until(() =>
      api.events.slice(before).find(({ type }) => type === 'run.started'),
    );
    await bury(runId);
    const tag = (await api.http.get(`/runs/${runId}`).expect(200)).get('ETag')!;
    await api.http.post(`/runs/${runId}/cancel`).set('If-Match', tag).expect(200);
    await expectProblem(api, await answered, 503, 'run-cancelled');
    const { status, subTasks } = await api.finishedRun(runId);
    expect([status, subTasks[0]?.status]).toEqual(['cancelled', 'skipped']);
    expect(subTasks[0]).not.toHaveProperty('deadLetter');
    await queue(['redrive', runId]);
  });

  test('stays where it is when another node dies, while others that got lost on their way go on', async () => {
    const runId = await buriedRun();
    const lost = await startRun();
    await cluster.query('DELETE FROM frontrunner_queue.job WHERE name = $1', ['worker-sub-tasks']);
    await cluster.query(`UPDATE frontrunner.placed SET due_at = due_at - interval '1 hour'`);
    await startWorker();
    await cluster.query(`SELECT pg_notify('frontrunner', '["left", "gone"]')`);
    expect(await api.finishedRun(lost)).toMatchObject({ status: 'succeeded' });
    const rows = await cluster.query('SELECT node, deliveries FROM frontrunner.placed');
    expect(rows).toEqual([{ node: null, deliveries: 20 }]);
    expect(await api.showRun(runId)).toMatchObject({ subTasks: [{ attempts: 0, deadLetter: true }] });
    await queue(['redrive', runId]);
    expect(await api.finishedRun(runId)).toMatchObject({ status: 'succeeded' });
  });

  test('says of one whose run was cancelled that nothing is left to do', async () => {
    const runId = await buriedRun();
    await api.http.post(`/runs/${runId}/cancel`).expect(200);
    await api.finishedRun(runId);
    expect((await queue(['list'])).stdout).toMatch(new RegExp(`\n${runId} .*has ended meanwhile`));
    expect((await queue(['redrive', runId])).code).toBe(0);
  });

  test('reads DATABASE_URL from the file .env as well', async () => {
    writeFileSync(join(directory, '.env'), `DATABASE_URL=${env.DATABASE_URL!}\n`);
    expect((await queue(['list'], {})).code).toBe(0);
    rmSync(join(directory, '.env'));
  });

  test.each<[string, Env, number, RegExp]>([
    ['of one node alone', {}, 2, /sqlite:.*one node alone.*postgres:\/\//],
    ['with a mistake', { DATABASE_URL: 'postgres://u:secret@host' }, 2, /^DATABASE_URL takes (?!.*secret)/],
    ['that is away', { DATABASE_URL: 'postgres://u:secret@127.0.0.1:9/d' }, 1, /u@127\S+ can’t be reached/],
  ])('is refused with a database %s', async (_which, given, exitCode, refusal) => {
    const { code, stdout, stderr } = await queue(['list'], given);
    expect({ code, stdout }).toEqual({ code: exitCode, stdout: '' });
    expect(stderr).toMatch(refusal);
    expect(stderr).not.toMatch(/\n\s+at /);
  });

  test('is refused with a database that no node was started on, and makes nothing in it', async () => {
    const url = await temporaryDatabase();
    const { code, stderr } = await queue(['list'], { DATABASE_URL: url });
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringContaining('start a node on it first'),
    });
    const empty = new Pool({ connectionString: url });
    const { rows } = await empty.query(`SELECT nspname FROM pg_namespace WHERE nspname LIKE 'frontrunner%'`);
    await empty.end();
    expect(rows).toEqual([]);
  });

  test.each([
    [['redrive'], /redrive --all/],
    [['redrive', 'a', '--all'], /redrive --all/],
    [['redrive', 'a'], /nothing of a run a/],
    [['list', 'a'], /--help/],
    [['list', '--all'], /--help/],
    [['drop'], /--help/],
    [['list', '--json'], /--help/],
  ])('is refused with %j', async (args, refusal) => {
    const { code, stdout, stderr } = await queue(args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(refusal);
    expect(stderr).not.toMatch(/\n\s+at /);
  });

  test.each([['--help'], ['-h']])('says what it takes with %s', async (...args) => {
    const { code, stdout } = await queue(args, {});
    expect(code).toBe(0);
    for (const word of ['list', 'redrive', '--all', 'DATABASE_URL']) expect(stdout).toContain(word);
  });
});
