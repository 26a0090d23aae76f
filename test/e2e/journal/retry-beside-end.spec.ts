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
    ['in memory', 'whose run goes on', () => 'memory:', true],
    ['in memory', 'which ends the run', () => 'memory:', false],
    ['in SQLite', 'whose run goes on', () => `sqlite:${directory}/runs.db`, true],
    ['in SQLite', 'which ends the run', () => `sqlite:${directory}/runs.db`, false],
    ['in Postgres', 'whose run goes on', temporaryDatabase, true],
    ['in Postgres', 'which ends the run', temporaryDatabase, false],
  ])('lets that other one have one outcome: %s, %s', async (_where, _what, database, goesOn) => {
    const subTasks: Record<string, object> = { failing: {}, ending: {}, ...(goesOn && { lasting: {} }) };
    const task = new ControlledTask('task', subTasks, { reply: { policy: 'all' } });
    service = await TestApp.start({
      providers: task.providers,
      env: { DATABASE_URL: await database(), SHUTDOWN_GRACE: '0ms' },
    });
    const refused = service.run('task');
    const { failing, ending, lasting } = await task.all();
    const { runId } = failing!.context;
    failing!.fail(new Error('no'));
    await refused;
    await service.event(runId, 'sub-task.failed');

    // eslint-disable-next-line @typescript-eslint/unbound-method -- called with its object below
    const read = RunWatch.prototype.get;
    const get = jest.spyOn(RunWatch.prototype, 'get').mockImplementation(async function (this: RunWatch, id) {
      const run = structuredClone(await read.call(this, id));
      // What the retry has read is old by the time that it goes on.
      if (run.subTasks[0]?.status === 'failed') {
        get.mockRestore();
        ending!.succeed('of the first attempt');
        await service.event(runId, 'sub-task.succeeded', 'ending');
      }
      return run;
    });
    const retried = service.http.post(`/runs/${runId}/sub-tasks/failing/retry`).then(({ status }) => status);
    const again = await task.next('failing');
    again.succeed();
    lasting?.succeed();
    expect(await retried).toBe(200);
    const run = await service.finishedRun(runId);
    expect(run.subTasks[1]).toMatchObject({ attempts: 1, result: 'of the first attempt' });
    const ends = service.events.filter((event) => 'subTask' in event && event.subTask === 'ending');
    expect(ends.map(({ type }) => type)).toEqual(['sub-task.started', 'sub-task.succeeded']);
  });
});
