import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { RunWatch } from '../../../src/tasks/run-watch.js';
import { ControlledTask } from '../../support/controlled-task.js';
import { temporaryDatabase } from '../../support/postgres-database.js';
import { temporaryDirectory } from '../../support/temporary-directory.js';
import { TestApp } from '../../support/test-app.js';

describe('a retry of one sub-task while another one ends', () => {
  const directory = temporaryDirectory();
  let service: TestApp;
  afterEach(async () => {
    jest.restoreAllMocks();
    await service.close();
  });

  test.each([
    ['in memory', () => 'memory:'],
    ['in SQLite', () => `sqlite:${directory}/runs.db`],
    ['in Postgres', temporaryDatabase],
  ])('lets that other one have one outcome: %s', async (_where, database) => {
    const task = new ControlledTask('task', { failing: {}, ending: {} }, { reply: { policy: 'all' } });
    service = await TestApp.start({
      providers: task.providers,
      env: { DATABASE_URL: await database(), SHUTDOWN_GRACE: '0ms' },
    });
    const refused = service.run('task');
    const { failing, ending } = await task.all();
    const { runId } = failing.context;
    failing.fail(new Error('no'));
    await refused;
    await service.event(runId, 'sub-task.failed');

    // eslint-disable-next-line @typescript-eslint/unbound-method -- called with its object below
    const read = RunWatch.prototype.get;
    const get = jest.spyOn(RunWatch.prototype, 'get').mockImplementation(async function (this: RunWatch, id) {
      const run = structuredClone(await read.call(this, id));
      // When the retry is on record: what it reads then is old by the time that it goes on.
      if (run.subTasks[0]?.status === 'retrying') {
        get.mockRestore();
        ending.succeed('of the first attempt');
        await service.event(runId, 'sub-task.succeeded', 'ending');
      }
      return run;
    });
    const retried = service.http.post(`/runs/${runId}/sub-tasks/failing/retry`).then(({ status }) => status);
    const again = await task.next('failing');
    again.succeed();
    expect(await retried).toBe(200);
    const run = await service.finishedRun(runId);
    expect(run.subTasks[1]).toMatchObject({ attempts: 1, result: 'of the first attempt' });
    const ends = service.events.filter((event) => 'subTask' in event && event.subTask === 'ending');
    expect(ends.map(({ type }) => type)).toEqual(['sub-task.started', 'sub-task.succeeded']);
  });
});
