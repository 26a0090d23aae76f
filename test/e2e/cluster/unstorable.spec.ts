import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { inlineTask } from '../../support/inline-task.js';
import { expectProblem } from '../../support/problem.js';
import type { TestApp } from '../../support/test-app.js';
import { TestCluster } from '../../support/test-cluster.js';

const RUNS = 12;

describe('a database that can’t hold what some runs have', () => {
  let cluster: TestCluster;
  let node: TestApp;
  beforeEach(async () => {
    cluster = new TestCluster();
    const echo = { run: (input: unknown) => ({ echo: (input as { text: string }).text.replace('_', '') }) };
    node = await cluster.start(inlineTask('echo', { first: echo, second: { run: () => 'fine' } }));
    await cluster.query(`
      CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF NEW.events LIKE '%poison%' THEN RAISE EXCEPTION 'no such character' USING ERRCODE = '22P05'; END IF;
        RETURN NEW;
      END $$`);
    await cluster.query(`
      CREATE TRIGGER refuse BEFORE INSERT ON frontrunner.commits FOR EACH ROW EXECUTE FUNCTION refuse()`);
  });
  afterEach(async () => {
    await cluster.end();
  });

  const run = (text: string) => node.run('echo', { input: { text }, reply: { policy: 'all' } });
  const others = () => Array.from({ length: RUNS }, (_, index) => run(`fine ${index}`));

  test('fails the sub-task whose result it is, and commits all other runs of the same groups', async () => {
    const answers = await Promise.all([...others(), run('poi_son'), ...others()]);
    const [failed, ...rest] = answers.filter(({ status }) => status !== 200);
    expect(rest).toEqual([]);
    const { runId } = failed!.body as { runId: string };
    await expectProblem(node, failed!, 502, 'run-failed');
    expect(await node.finishedRun(runId)).toMatchObject({
      status: 'failed',
      subTasks: [
        {
          status: 'failed',
          error: { code: 'result-unstorable', message: expect.stringContaining('no such') },
        },
        { status: 'succeeded' },
      ],
    });
    await node.http.get('/health/ready').expect(200);
  });

  test('refuses the run whose input it is, which leaves nothing, and commits all others', async () => {
    const answers = await Promise.all([...others(), run('poison'), ...others()]);
    const [refused, ...rest] = answers.filter(({ status }) => status !== 200);
    expect(rest).toEqual([]);
    await expectProblem(node, refused!, 400, 'invalid-request');
    expect((refused!.body as { errors: object }).errors).toMatchObject([{ pointer: '/input' }]);
    expect(await cluster.query('SELECT * FROM frontrunner.open_runs')).toEqual([]);
    const [log] = await cluster.query<{ events: number; last: number }>(`
      SELECT (SELECT count(*) FROM frontrunner.events)::int AS events, last_id::int AS last FROM frontrunner.log_head`);
    // run.started, two that start, two that succeed, run.replied, run.finished
    expect(log).toEqual({ events: 7 * 2 * RUNS, last: 7 * 2 * RUNS });
  });
});
