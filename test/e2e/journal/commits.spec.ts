import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { ControlledTask } from '../../support/controlled-task.js';
import { DurableService } from '../../support/durable-service.js';
import { JournalCalls } from '../../support/journal-calls.js';
import type { TestApp } from '../../support/test-app.js';

describe('while a commit is under way', () => {
  let durable: DurableService;
  let race: ControlledTask<'fast' | 'slow'>;
  let commits: JournalCalls;
  let service: TestApp;
  beforeEach(async () => {
    commits = new JournalCalls();
    durable = new DurableService();
    race = new ControlledTask('race', { fast: {}, slow: {} });
    service = await durable.start(race.providers);
  });
  afterEach(async () => {
    commits.goOn();
    commits.error = undefined;
    await durable.end();
    jest.restoreAllMocks();
  });

  /** Starts a run, of which all is committed so far. */
  async function begin() {
    const response = service.run('race');
    const { fast, slow } = await race.all();
    const { runId } = fast.context;
    await service.showRun(runId);
    return { response, runId, fast, slow };
  }

  /** Resolves when the commit that is next has been tried so often. */
  async function tried(times: number): Promise<void> {
    const enough = commits.tries + times;
    while (commits.tries < enough) await service.http.get('/health/live').expect(200);
  }

  /** Resolves when the service has had the time to answer, if it were to. */
  async function turns(): Promise<void> {
    for (let request = 0; request < 20; request += 1) await service.http.get('/health/live').expect(200);
  }

  test('nobody is told of what is in it', async () => {
    const { response, runId, fast } = await begin();
    let told = false;
    void response.then(() => (told = true));
    commits.hold();
    const begun = tried(1);
    fast.succeed('won');
    await begun;
    const shown = service.showRun(runId);
    await turns();
    expect(told).toBe(false);
    expect(service.events.filter(({ type }) => type === 'sub-task.succeeded')).toEqual([]);
    commits.goOn();
    expect((await response).body).toMatchObject({ result: 'won' });
    expect(await shown).toMatchObject({ subTasks: [{ status: 'succeeded' }, { status: 'running' }] });
  });

  test('a stop waits for it', async () => {
    const { response, runId, fast, slow } = await begin();
    commits.hold();
    const begun = tried(1);
    fast.succeed('won');
    await begun;
    const stopped = durable.stop();
    await new Promise((resolve) => slow.context.signal.addEventListener('abort', resolve));
    commits.goOn();
    await stopped;
    expect((await response).body).toMatchObject({ result: 'won' });
    const next = await durable.start(race.providers);
    await race.next('slow');
    expect((await next.showRun(runId)).subTasks).toMatchObject([
      { status: 'succeeded', attempts: 1 },
      { status: 'running', attempts: 2 },
    ]);
  });

  test('and fails, a run is shown as far as it is committed, and the log says so once', async () => {
    const { response, runId, fast } = await begin();
    commits.hold();
    const begun = tried(1);
    fast.succeed('won');
    await begun;
    const early = service.showRun(runId);
    await turns();
    commits.error = new Error('no room');
    commits.goOn();
    const committed = {
      status: 'running',
      reply: null,
      subTasks: [{ status: 'running' }, { status: 'running' }],
    };
    expect(await early).toMatchObject(committed);
    await tried(2);
    expect(await service.showRun(runId)).toMatchObject(committed);
    commits.error = undefined;
    expect((await response).body).toMatchObject({ result: 'won' });
    expect(await service.showRun(runId)).toMatchObject({ reply: { result: 'won' } });
    const said = service.log.lines.map(({ msg }) => msg).filter((msg) => msg.includes('can’t be written'));
    expect(said).toEqual([expect.stringContaining('no room')]);
  });
});
