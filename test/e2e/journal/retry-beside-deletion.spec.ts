import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { Journal } from '../../../src/run/journal.js';
import { RecordedRuns } from '../../../src/tasks/recorded-runs.js';
import { ControlledTask } from '../../support/controlled-task.js';
import { temporaryDatabase } from '../../support/postgres-database.js';
import { expectProblem } from '../../support/problem.js';
import { temporaryDirectory } from '../../support/temporary-directory.js';
import { TestApp } from '../../support/test-app.js';

describe('a retry of a run that is deleted meanwhile', () => {
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
  ])('is refused as of a run that there is none of, and begins nothing: %s', async (_where, database) => {
    const task = new ControlledTask('task', { failing: {} });
    service = await TestApp.start({ providers: task.providers, env: { DATABASE_URL: await database() } });
    const answered = service.run('task');
    const { failing } = await task.all();
    const { runId } = failing.context;
    failing.fail(new Error('no'));
    await answered;
    await service.finishedRun(runId);
    // eslint-disable-next-line @typescript-eslint/unbound-method -- called with its object below
    const termsOf = RecordedRuns.prototype.termsOf;
    jest.spyOn(RecordedRuns.prototype, 'termsOf').mockImplementationOnce(async function (
      this: RecordedRuns,
      record,
    ) {
      // As retention does, which no command waits for.
      await service.app.get(Journal).erase(runId);
      return termsOf.call(this, record);
    });
    const retried = await service.http.post(`/runs/${runId}/sub-tasks/failing/retry`);
    await expectProblem(service, retried, 404, 'run-unknown');
    await expectProblem(service, await service.http.get(`/runs/${runId}`), 404, 'run-unknown');
    const next = service.run('task');
    (await task.next('failing')).succeed('of another run');
    expect((await next).status).toBe(200);
    const types = service.events.filter((event) => event.runId === runId).map(({ type }) => type);
    expect(types).toEqual([
      'run.started',
      'sub-task.started',
      'sub-task.failed',
      'run.replied',
      'run.finished',
    ]);
  });
});
