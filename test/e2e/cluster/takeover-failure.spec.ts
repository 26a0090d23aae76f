import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { filter, firstValueFrom } from 'rxjs';
import { Heartbeat } from '../../../src/cluster/heartbeat.js';
import { Takeover } from '../../../src/cluster/takeover.js';
import { MemoryBudget } from '../../../src/core/memory-budget.js';
import { NodeRow } from '../../../src/journal/postgres/node-row.js';
import type { PostgresJournal } from '../../../src/journal/postgres/postgres-journal.js';
import { Journal } from '../../../src/run/journal.js';
import { Runs } from '../../../src/run/runs.js';
import { ControlledTask } from '../../support/controlled-task.js';
import type { ShownRun, TestApp } from '../../support/test-app.js';
import { TestCluster } from '../../support/test-cluster.js';

/* eslint-disable @typescript-eslint/unbound-method -- called with their objects below */
const { beat } = Heartbeat.prototype;
const { takeOver } = Takeover.prototype;
const { rejoin } = NodeRow.prototype;
/* eslint-enable @typescript-eslint/unbound-method */

/** Nodes are seen with each beat, by the clock of the database. */
const BEATS = 'SELECT extract(epoch FROM seen_at)::float8 * 1000 AS at FROM frontrunner.nodes';

describe('a run that a node fails to take over', () => {
  let cluster: TestCluster;
  let task: ControlledTask<'fast' | 'slow'>;
  beforeEach(() => {
    cluster = new TestCluster();
    task = new ControlledTask('race', { fast: {}, slow: {} });
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    await cluster.end();
  });

  const start = async (node: TestApp): Promise<string> => {
    const { body } = (await node.http
      .post('/tasks/race/runs')
      .set('Prefer', 'respond-async')
      .expect(202)) as { body: unknown };
    return (body as ShownRun).id;
  };
  const failToResume = (node: TestApp) =>
    jest.spyOn(node.app.get(Runs), 'resume').mockImplementationOnce(() => {
      throw new Error('not here');
    });
  const nodesOfRuns = async () =>
    (await cluster.query<{ node: string }>('SELECT node FROM frontrunner.open_runs')).map(({ node }) => node);
  /** Its sub-tasks went to whichever node takes them, when it was taken over first. */
  const finish = async (): Promise<void> => {
    const { fast, slow } = await task.all();
    fast.succeed('at last');
    slow.succeed();
  };

  test('is gone on with by another one, and meanwhile not tried again by the one that failed', async () => {
    const dying = await cluster.start(task.providers);
    const failing = await cluster.start(task.providers);
    const resume = failToResume(failing);
    const runId = await start(dying);
    await task.all();
    await cluster.stop(dying);
    await failing.until(() => failing.log.lines.find(({ msg }) => msg.includes('Could not be taken over')));
    while ((await nodesOfRuns()).some((node) => node !== ''));
    const survivor = await cluster.start(task.providers);
    await finish();
    expect(await survivor.finishedRun(runId)).toMatchObject({
      status: 'succeeded',
      reply: { result: 'at last' },
    });
    expect(resume).toHaveBeenCalledTimes(1);
  });

  test('is gone on with a while later by the node itself, where no other takes it', async () => {
    jest.replaceProperty(Takeover, 'retryMs', 200);
    const node = await cluster.start(task.providers, { NODE_TIMEOUT: '2s' });
    const resume = failToResume(node);
    const dying = await cluster.start(task.providers, { NODE_TIMEOUT: '2s' });
    const runId = await start(dying);
    await task.all();
    await cluster.stop(dying);
    await finish();
    expect(await node.finishedRun(runId)).toMatchObject({ status: 'succeeded' });
    expect(resume).toHaveBeenCalledTimes(2);
  });

  describe('and dies', () => {
    const row = async (columns: string) =>
      (await cluster.query<Record<string, unknown>>(`SELECT ${columns} FROM frontrunner.open_runs`))[0];
    const listed = async (node: TestApp, status: string) =>
      ((await node.http.get(`/runs?status=${status}`).expect(200)).body as { runs: ShownRun[] }).runs;
    /** Lets it look as if so many nodes had died over the run before. */
    const dieOver = (takeovers: number) =>
      cluster.query('UPDATE frontrunner.open_runs SET takeovers = $1, taken_at = clock_timestamp()', [
        takeovers,
      ]);
    const setAside = async (node: TestApp): Promise<string> => {
      const runId = await start(node);
      await task.all();
      await dieOver(5);
      const said = node.log.said(({ level, msg }) => level === 'error' && msg.includes('is set aside'));
      // Until it knows that it was taken for dead, it goes on with the run, and shows it so.
      const joined = node.log.said(({ msg }) => msg.includes('has joined the others again'));
      await cluster.takeForDead(node);
      expect(await said).toMatchObject({ runId });
      await joined;
      return runId;
    };

    test('is set aside after five of them, shown so, and taken over when somebody resumes it', async () => {
      const node = await cluster.start(task.providers);
      const runId = await setAside(node);
      expect(await node.showRun(runId)).toMatchObject({
        status: 'set-aside',
        subTasks: [{ attempts: 1 }, { attempts: 1 }],
      });
      expect(await listed(node, 'set-aside')).toMatchObject([{ id: runId, status: 'set-aside' }]);
      expect(await listed(node, 'running')).toEqual([]);
      const { body } = (await node.http.post(`/runs/${runId}/resume`).expect(200)) as { body: ShownRun };
      expect(body).toMatchObject({ id: runId, status: 'running' });
      const attempts = await task.all();
      expect(await row('takeovers')).toEqual({ takeovers: 5 });
      for (const attempt of Object.values(attempts)) attempt.succeed();
      expect((await node.finishedRun(runId)).status).toBe('succeeded');
    });

    test('can be cancelled when it is set aside', async () => {
      const node = await cluster.start(task.providers);
      const runId = await setAside(node);
      await node.http.post(`/runs/${runId}/cancel`).expect(200);
      expect((await node.showRun(runId)).status).toBe('cancelled');
    });

    test('is cancelled at once, though that is asked while the node looks around and finds nothing', async () => {
      const node = await cluster.start(task.providers);
      const runId = await setAside(node);
      // Nothing lets it look around again but what it is told.
      const held = Promise.withResolvers<undefined>();
      jest.spyOn(Heartbeat.prototype, 'beat').mockImplementation(async function (this: Heartbeat, ...args) {
        await held.promise;
        return beat.apply(this, args);
      });
      const { notices } = node.app.get<PostgresJournal>(Journal);
      const cancelled = new Promise<number>((resolve, reject) => {
        jest.spyOn(Takeover.prototype, 'takeOver').mockImplementationOnce(async () => {
          const told = firstValueFrom(notices.pipe(filter((notice) => notice?.[0] === 'command')));
          node.http.post(`/runs/${runId}/cancel`).then(({ status }) => resolve(status), reject);
          await told;
          return 0;
        });
      });
      try {
        await cluster.query(`SELECT pg_notify('frontrunner', '["let-go",""]')`);
        expect(await cancelled).toBe(200);
      } finally {
        held.resolve(undefined);
      }
    });

    test('is taken over by no node that isn’t among the others yet', async () => {
      const node = await cluster.start(task.providers);
      await start(node);
      await task.all();
      const looked = Promise.withResolvers<number>();
      let isGone = false;
      jest.spyOn(Takeover.prototype, 'takeOver').mockImplementation(async function (this: Takeover) {
        const looksWhenGone = isGone;
        const taken = await takeOver.call(this);
        if (looksWhenGone) looked.resolve(taken);
        return taken;
      });
      jest.spyOn(NodeRow.prototype, 'rejoin').mockImplementationOnce(async function (this: NodeRow, ...args) {
        await looked.promise;
        isGone = false;
        return rejoin.apply(this, args);
      });
      await cluster.takeForDead(node, () => {
        isGone = true;
      });
      expect(await looked.promise).toBe(0);
      await task.all();
      expect(await row('takeovers')).toEqual({ takeovers: 1 });
    });

    test('is counted a death, but not one long after it was taken over, nor a clean stop', async () => {
      const node = await cluster.start(task.providers);
      await start(node);
      await task.all();
      await dieOver(4);
      await cluster.takeForDead(node);
      await task.all();
      expect(await row('takeovers')).toEqual({ takeovers: 5 });
      await cluster.query(`UPDATE frontrunner.open_runs SET taken_at = clock_timestamp() - interval '1 h'`);
      await cluster.takeForDead(node);
      await task.all();
      expect(await row('takeovers')).toEqual({ takeovers: 1 });
      await cluster.stop(node);
      expect(await row("takeovers, node <> '' AS left")).toEqual({ takeovers: 0, left: true });
    });

    test('leaves what was placed alone with it', async () => {
      const far = new ControlledTask('race', { far: { placement: 'worker' } });
      const node = await cluster.start(far.providers);
      const runId = await start(node);
      await far.next('far');
      const died = cluster.idOf(node);
      await dieOver(5);
      const said = node.log.said(({ msg }) => msg.includes('is set aside'));
      const joined = node.log.said(({ msg }) => msg.includes('has joined the others again'));
      await cluster.takeForDead(node);
      await Promise.all([said, joined]);
      expect(await cluster.query('SELECT node FROM frontrunner.placed')).toEqual([{ node: died }]);
      // Another run, of which all that comes after has been looked for.
      const other = await start(node);
      (await far.next('far')).succeed();
      await node.finishedRun(other);
      expect((await node.showRun(runId)).subTasks).toMatchObject([{ attempts: 1 }]);
      await node.http.post(`/runs/${runId}/resume`).expect(200);
      (await far.next('far')).succeed();
      expect((await node.finishedRun(runId)).status).toBe('succeeded');
    });
  });

  test('is left to others where there is no memory for it, until there is', async () => {
    const dying = await cluster.start(task.providers);
    const full = await cluster.start(task.providers, { NODE_TIMEOUT: '2s' });
    await start(full);
    await task.all();
    const memory = full.app.get(MemoryBudget);
    memory.take(memory.limitBytes);
    const runId = await start(dying);
    await task.all();
    await cluster.stop(dying);
    const seen = async () => (await cluster.query<{ at: number }>(BEATS))[0]!.at;
    const before = await seen();
    while ((await seen()) < before + 3_000);
    expect(await nodesOfRuns()).not.toEqual([cluster.idOf(full), cluster.idOf(full)]);
    memory.give(memory.limitBytes);
    await finish();
    expect((await full.finishedRun(runId)).status).toBe('succeeded');
  });
});
