import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { expectProblem } from '../../support/problem.js';
import { executeThere } from '../../support/postgres-database.js';
import { TestApp } from '../../support/test-app.js';
import { TestCluster } from '../../support/test-cluster.js';

// To damage a file takes the rights of a server of our own.
const testThere = process.env.TEST_DATABASE_URL === undefined ? test : test.skip;

describe('a damaged page in Postgres', () => {
  const cluster = new TestCluster();
  let copy: string | undefined;
  afterEach(async () => {
    await cluster.end();
    if (copy !== undefined) await executeThere([`DROP DATABASE ${copy} WITH (FORCE)`]);
  });

  testThere('is noticed by whoever lists runs, told in the log, and takes no new runs', async () => {
    const node = await cluster.start();
    const { runId } = await node.answer('demo');
    await node.finishedRun(runId);
    await cluster.end();
    const url = new URL(await cluster.url());
    const original = url.pathname.slice(1);
    copy = `${original}_copy`;
    // Copied as files, so that the server reads the pages of the copy from its disk.
    await executeThere([`CREATE DATABASE ${copy} TEMPLATE ${original} STRATEGY file_copy`]);
    url.pathname = copy;
    await executeThere(
      [
        `DO $$ BEGIN EXECUTE format('COPY (SELECT) TO PROGRAM %L',
          'printf damaged | dd conv=notrunc bs=1 seek=8100 of=' || pg_relation_filepath('frontrunner.runs')); END $$`,
      ],
      url.href,
    );

    const service = await TestApp.start({ amongOthers: true, env: { DATABASE_URL: url.href } });
    await service.http.get('/health/ready').expect(200);
    await expectProblem(service, await service.http.get('/runs'), 503, 'journal-unavailable');
    const said = await service.log.line(/^The journal is damaged, and takes no new runs: /);
    expect(said).toMatchObject({
      level: 'error',
      msg: expect.stringMatching(/has a page that is not what it wrote; .* \(invalid page in block 0 /),
    });
    await expectProblem(service, await service.run('demo'), 503, 'journal-unavailable');
    await service.http.get('/health/ready').expect(503);
    await service.close();
  });
});

describe('a row in Postgres whose text somebody has changed so that it has no events any more', () => {
  const cluster = new TestCluster();
  let node: TestApp;
  let runId: string;
  beforeAll(async () => {
    node = await cluster.start();
    ({ runId } = await node.answer('demo'));
    await node.finishedRun(runId);
    await cluster.query('CREATE TABLE before AS SELECT * FROM frontrunner.commits');
  });
  afterAll(() => cluster.end());

  test.each([
    ['without a colon', '"data":', '"data"'],
    ['without data', '"data":', '"dada":'],
    ['with another type of run', '"run.started"', '"run.begun"'],
  ])('fails what reads it, and nothing else: %s', async (_how, part, instead) => {
    await cluster.query(
      'UPDATE frontrunner.commits SET events = replace(before.events, $1, $2) FROM before WHERE before.first = commits.first',
      [part, instead],
    );
    await expectProblem(node, await node.http.get(`/runs/${runId}`), 503, 'journal-unavailable');
    expect((await node.http.get('/runs')).text).toContain(runId);
    await node.answer('demo');
  });
});
