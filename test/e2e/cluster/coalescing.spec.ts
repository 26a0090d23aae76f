import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import type { SubTaskContext } from '../../../src/core/sub-task.js';
import { Journal } from '../../../src/run/journal.js';
import type { Answer } from '../../../src/tasks/started-run.js';
import { ControlledTask } from '../../support/controlled-task.js';
import type { ShownRun, TestApp } from '../../support/test-app.js';
import { TestCluster } from '../../support/test-cluster.js';

const often = new ControlledTask('often', { only: {} }, { coalesce: { for: '1m' } });
const upstream = new ControlledTask('upstream', { only: {} }, { coalesce: {} });
const reused = new ControlledTask('reused', { only: {} }, { reuse: { for: '1h' } });

describe('equal requests at several nodes', () => {
  const cluster = new TestCluster();
  let one: TestApp;
  let other: TestApp;
  beforeAll(async () => {
    const providers = [...often.providers, ...upstream.providers, ...reused.providers];
    one = await cluster.start(providers);
    other = await cluster.start(providers);
  });
  afterAll(() => cluster.end());

  const later = async (node: TestApp, task: string) => {
    const sent = node.http.post(`/tasks/${task}/runs`).set('Prefer', 'respond-async');
    return ((await sent.expect(202)) as { body: ShownRun }).body.id;
  };

  test('make one call of the upstream, and get its run', async () => {
    const answers = [one, other].flatMap((node) => Array.from({ length: 50 }, () => node.answer('often')));
    const { context, succeed } = await often.next('only');
    succeed('once');
    const told = (await Promise.all(answers)) as (Answer & { readonly coalesced?: true })[];
    expect(new Set(told.map(({ runId, result }) => `${runId} ${result as string}`))).toEqual(
      new Set([`${context.runId} once`]),
    );
    expect(told.filter(({ coalesced }) => coalesced)).toHaveLength(99);
    expect(one.runsStarted + other.runsStarted).toBe(1);
  });

  test('get another run when the one before has its reply', async () => {
    const runId = await later(one, 'upstream');
    expect(await later(other, 'upstream')).toBe(runId);
    const attempt = await upstream.next('only');
    attempt.succeed();
    let next: string;
    // It hears of the reply a moment after the node that made it.
    do next = await later(other, 'upstream');
    while (next === runId);
    expect(await later(one, 'upstream')).toBe(next);
    (await upstream.next('only')).succeed();
  });

  test('are answered by the last good run of another one', async () => {
    const { notes } = one.app.get(Journal);
    const put = notes.put.bind(notes);
    const kept = new Promise<void>((resolve, reject) => {
      jest.spyOn(notes, 'put').mockImplementation((note) => {
        const done = put(note);
        if (note.kind === 'reuse') done.then(resolve, reject);
        return done;
      });
    });
    const [{ runId }, attempt] = await Promise.all([one.answer('reused'), succeedOnce()]);
    expect(attempt).toMatchObject({ runId, attempt: 1 });
    await kept;
    const again = reused.next('only').then(({ context }) => context);
    expect(await Promise.race([other.answer('reused'), again])).toMatchObject({
      runId,
      result: 'kept',
      reused: true,
    });
  });

  async function succeedOnce(): Promise<SubTaskContext> {
    const { context, succeed } = await reused.next('only');
    succeed('kept');
    return context;
  }
});
