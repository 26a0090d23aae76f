import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Client } from 'pg';
import { Journal } from '../../../src/run/journal.js';
import { newWebhook } from '../../../src/run/webhook-keeping.js';
import { ControlledTask } from '../../support/controlled-task.js';
import { EmbeddedPostgres } from '../../support/embedded-postgres.ts';
import { expectProblem } from '../../support/problem.js';
import { activeResources, expectNothingLeft } from '../../support/resources.js';
import { TestApp, type ShownRun } from '../../support/test-app.js';

describe('while Postgres is away, a node', () => {
  let resources: readonly string[];
  let postgres: EmbeddedPostgres;
  let node: TestApp;
  let other: TestApp;
  let task: ControlledTask<'fast' | 'slow'>;
  beforeEach(async () => {
    resources = await activeResources();
    postgres = await EmbeddedPostgres.start();
    task = new ControlledTask('race', { fast: {}, slow: {} });
    const start = () =>
      TestApp.start({
        env: { DATABASE_URL: postgres.url, NODE_TIMEOUT: '2s', SHUTDOWN_GRACE: '0ms' },
        providers: task.providers,
        amongOthers: true,
      });
    node = await start();
    other = await start();
  }, 60_000);
  afterEach(async () => {
    await node.close();
    await other.close();
    await postgres.stop();
    await expectNothingLeft(resources);
  });

  const accept = async (): Promise<string> => {
    const { body } = (await node.http
      .post('/tasks/race/runs')
      .set('Prefer', 'respond-async')
      .expect(202)) as { body: unknown };
    return (body as ShownRun).id;
  };
  /** Asks until it is so: nobody says when a node has noticed. */
  const until = async (holds: () => Promise<boolean>): Promise<void> => {
    while (!(await holds())) await delay(20);
  };
  const status = async (path: string) => (await node.http.get(path)).status;

  test('goes on with what runs, takes nothing new, and records and answers all when it is back', async () => {
    const answer = node.answer('race');
    const { fast, slow } = await task.all();
    await node.until(() => node.events.find(({ type }) => type === 'sub-task.started'));
    await postgres.kill();
    fast.succeed('meanwhile');
    await until(async () => (await status('/health/ready')) === 503);
    await expectProblem(node, await node.run('race'), 503, 'journal-unavailable');
    await expectProblem(node, await node.http.get('/runs/some'), 503, 'journal-unavailable');
    expect(slow.context.signal.aborted).toBe(false);
    // For longer than the timeout: nobody can be seen, and nobody is to be taken for dead.
    await delay(2_500);
    await postgres.start();
    const { runId, result } = await answer;
    expect(result).toBe('meanwhile');
    slow.succeed('at last');
    expect(await node.finishedRun(runId)).toMatchObject({
      status: 'succeeded',
      subTasks: [{ attempts: 1 }, { attempts: 1, result: 'at last' }],
    });
    await until(async () => (await status('/health/ready')) === 200);
    const next = node.answer('race');
    (await task.next('fast')).succeed('new');
    expect((await next).result).toBe('new');
    (await task.next('slow')).succeed();
    await until(async () => (await other.http.get(`/runs/${runId}`)).status === 200);
  }, 60_000);

  test.each(['waiting', 'dead'] as const)(
    'keeps a %s delivery that it has settled',
    async (state) => {
      // Otherwise Postgres would soon write by itself what no commit waits for.
      const client = new Client({ connectionString: postgres.url });
      client.on('error', () => undefined);
      await client.connect();
      await client.query("ALTER SYSTEM SET wal_writer_delay = '10s'");
      await client.query('SELECT pg_reload_conf()');
      const id = 'kept';
      const terms = '{"url":"https://example.com/"}';
      const paused = { paused: 'request', pausedAt: 0 } as const;
      const about = { webhook: id, event: 1, target: 0, runId: 'r', task: 't', type: 'run.finished' };
      const made = { attempts: 1, dueAt: null, changedAt: 5, report: '{}', body: '{}', terms: null };
      const { webhooks } = node.app.get(Journal);
      const others = other.app.get(Journal).webhooks;
      await webhooks.add({ ...newWebhook({ id, terms, client: null, createdAt: 0 }, 0, 0), ...paused });
      const progress = { cursor: 2, cursorAt: 2, deliveries: [{ ...about, ...made, state }] };
      // One of them holds it soon.
      await until(async () => (await webhooks.settle(id, progress)) || others.settle(id, progress));
      await postgres.kill();
      await postgres.start();
      await until(async () => (await status('/health/ready')) === 200);
      expect(await webhooks.deliveries({ webhook: id }, 2)).toMatchObject([{ event: 1, state }]);
    },
    60_000,
  );

  test('loses nothing to restarts that come and go', async () => {
    const runIds: string[] = [];
    for (let round = 0; round < 3; round += 1) {
      await until(async () => (await status('/health/ready')) === 200);
      runIds.push(await accept());
      const { fast, slow } = await task.all();
      const restarted = postgres.restart();
      fast.succeed(round);
      slow.succeed(round);
      await restarted;
    }
    for (const runId of runIds)
      await until(async () => {
        const { status: code, body } = (await other.http.get(`/runs/${runId}`)) as {
          status: number;
          body: unknown;
        };
        return code === 200 && (body as ShownRun).status === 'succeeded';
      });
    const lines = [...node.log.lines, ...other.log.lines];
    expect(lines.filter(({ msg }) => /taken for dead|was not seen/.test(msg))).toEqual([]);
  }, 60_000);
});
