import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ControlledTask } from '../../support/controlled-task.js';
import { expectProblem } from '../../support/problem.js';
import { TestApp } from '../../support/test-app.js';

const race = new ControlledTask('race', { a: {}, b: {}, c: {} });
const led = new ControlledTask(
  'led',
  { scout: {}, leader: {} },
  { reply: { policy: 'primary', primary: 'leader' } },
);

describe('the reply of POST /tasks/{name}/runs', () => {
  let service: TestApp;
  beforeAll(async () => {
    service = await TestApp.start({ providers: [...race.providers, ...led.providers] });
  });
  afterAll(() => service.close());

  test('is the first success, with the run’s id, the winner, the rest and where to go from there', async () => {
    const pending = service.run('race');
    const { a, b, c } = await race.all();
    const { runId } = a.context;
    b.succeed(['B']);
    const response = await pending;
    expect(response.status).toBe(200);
    expect(response.get('Location')).toBe(`/runs/${runId}`);
    expect(response.body).toEqual({
      id: runId,
      runId,
      task: 'race',
      status: 'running',
      result: ['B'],
      answeredBy: 'b',
      background: ['a', 'c'],
      links: { run: `/runs/${runId}`, task: '/tasks/race' },
    });
    a.succeed();
    c.succeed();
    expect((await service.finishedRun(runId)).status).toBe('succeeded');
  });

  test('leads to the run and to the task', async () => {
    const response = await service.run('demo');
    const { links, runId } = response.body as { runId: string; links: { run: string; task: string } };
    await service.http.get(links.run).expect(200);
    await service.http.get(links.task).expect(200);
    await service.event(runId, 'run.finished');
  });

  test('is not a failure under first-success as long as another sub-task may succeed', async () => {
    const answer = service.answer('race', { reply: { policy: 'first-success' } });
    const { a, b, c } = await race.all();
    const { runId } = a.context;
    a.fail(new Error('no'));
    b.fail(new Error('no'));
    await service.event(runId, 'sub-task.failed', 'a');
    await service.event(runId, 'sub-task.failed', 'b');
    expect((await service.showRun(runId)).reply).toBeNull();
    c.succeed('C');
    expect(await answer).toMatchObject({ answeredBy: 'c', background: [], status: 'partly-failed' });
    expect((await service.finishedRun(runId)).status).toBe('partly-failed');
  });

  test('is the result of whichever settles first under first-settled', async () => {
    const answer = service.answer('race', { reply: { policy: 'first-settled' } });
    const { a, b, c } = await race.all();
    c.succeed('C');
    expect(await answer).toMatchObject({ result: 'C', answeredBy: 'c', background: ['a', 'b'] });
    a.succeed();
    b.succeed();
    await service.event(a.context.runId, 'run.finished');
  });

  test('waits for the primary, whatever becomes of the others', async () => {
    const answer = service.answer('race', { reply: { policy: 'primary', primary: 'b' } });
    const { a, b, c } = await race.all();
    const { runId } = a.context;
    a.succeed('A');
    c.fail(new Error('no'));
    await service.event(runId, 'sub-task.succeeded', 'a');
    await service.event(runId, 'sub-task.failed', 'c');
    expect((await service.showRun(runId)).reply).toBeNull();
    b.succeed('B');
    expect(await answer).toMatchObject({ result: 'B', answeredBy: 'b', background: [] });
    await service.event(runId, 'run.finished');
  });

  test('has the results of a quorum, in the order in which they came', async () => {
    const answer = service.answer('race', { reply: { policy: 'quorum', quorum: 2 } });
    const { a, b, c } = await race.all();
    const { runId } = a.context;
    c.succeed('C');
    await service.event(runId, 'sub-task.succeeded', 'c');
    expect((await service.showRun(runId)).reply).toBeNull();
    a.succeed('A');
    expect(await answer).toMatchObject({
      result: { c: 'C', a: 'A' },
      answeredBy: ['c', 'a'],
      background: ['b'],
    });
    b.succeed('B');
    const { subTasks } = await service.finishedRun(runId);
    expect(subTasks.map(({ answered }) => answered)).toEqual([true, undefined, true]);
  });

  test('has the results of all sub-tasks under all', async () => {
    const answer = service.answer('race', { reply: { policy: 'all' } });
    const { a, b, c } = await race.all();
    a.succeed('A');
    b.succeed('B');
    await service.event(a.context.runId, 'sub-task.succeeded', 'b');
    expect((await service.showRun(a.context.runId)).reply).toBeNull();
    c.succeed('C');
    expect(await answer).toMatchObject({
      status: 'succeeded',
      result: { a: 'A', b: 'B', c: 'C' },
      background: [],
    });
    await service.event(a.context.runId, 'run.finished');
  });

  test('follows the task’s own policy unless the caller names another', async () => {
    const byTask = service.answer('led');
    const own = await led.all();
    own.scout.succeed('scout');
    await service.event(own.scout.context.runId, 'sub-task.succeeded', 'scout');
    own.leader.succeed('leader');
    expect(await byTask).toMatchObject({ result: 'leader', background: [] });

    const byCaller = service.answer('led', { reply: { policy: 'first-success' } });
    const other = await led.all();
    other.scout.succeed('scout');
    expect(await byCaller).toMatchObject({ result: 'scout', background: ['leader'] });
    other.leader.succeed();
    await service.event(other.leader.context.runId, 'run.finished');
  });

  test('is what enough sub-tasks agree on, or a dispute that names the camps', async () => {
    const reply = { policy: 'agreement', agreement: 2, pointer: '/price' };
    const answer = service.answer('race', { reply });
    const { a, b, c } = await race.all();
    a.succeed({ price: 1 });
    await service.event(a.context.runId, 'sub-task.succeeded', 'a');
    c.succeed({ price: 2, of: 'c' });
    await service.event(a.context.runId, 'sub-task.succeeded', 'c');
    b.succeed({ price: 2 });
    expect(await answer).toMatchObject({ answeredBy: ['c', 'b'], result: { price: 2, of: 'c' } });

    const disputed = service.run('race', { reply });
    for (const [name, attempt] of Object.entries(await race.all())) attempt.succeed({ price: name });
    const { camps } = await expectProblem(service, await disputed, 502, 'run-disputed');
    const names = (camps as { subTasks: string[] }[]).flatMap(({ subTasks }) => subTasks);
    expect(names.toSorted()).toEqual(['a', 'b', 'c']);
  });

  test('is an error at the deadline where too few have succeeded, the same for every repetition, and the rest goes on', async () => {
    const reply = { policy: 'deadline', deadline: '20ms', min: 2 };
    const send = () => service.http.post('/tasks/race/runs').set('Idempotency-Key', '"late"').send({ reply });
    const first = await send();
    const { runId, missing, failures } = await expectProblem(service, first, 504, 'deadline-exceeded');
    expect({ missing, failures }).toEqual({ missing: ['a', 'b', 'c'], failures: [] });
    expect(await service.showRun(runId as string)).toMatchObject({ status: 'running', replyPolicy: reply });
    for (const attempt of Object.values(await race.all())) attempt.succeed('all the same');
    const { status, subTasks } = await service.finishedRun(runId as string);
    expect({ status, subTasks: subTasks.map(({ status }) => status) }).toEqual({
      status: 'failed',
      subTasks: ['succeeded', 'succeeded', 'succeeded'],
    });
    const again = await send();
    expect(again.body).toEqual(first.body);
  });

  test('is an error when the deadline of the run ends it before', async () => {
    const response = await service.run('race', { deadline: '20ms' });
    const { runId } = await expectProblem(service, response, 504, 'deadline-exceeded');
    const run = await service.finishedRun(runId as string);
    expect(run).toMatchObject({ status: 'failed', deadline: '20ms' });
    expect(run.subTasks).toMatchObject(
      run.subTasks.map(() => ({ status: 'cancelled', reason: 'unfinished at the deadline of the run' })),
    );
    for (const { context } of Object.values(await race.all())) expect(context.signal.aborted).toBe(true);
  });

  test.each([
    { reply: { policy: 'first-settled' }, failing: ['a'] as const },
    { reply: { policy: 'primary', primary: 'b' }, failing: ['b'] as const },
    { reply: { policy: 'quorum', quorum: 2 }, failing: ['a', 'c'] as const },
    { reply: { policy: 'all' }, failing: ['c'] as const },
  ])('is a refusal as soon as $reply can’t be met any more', async ({ reply, failing }) => {
    const pending = service.run('race', { reply });
    const attempts = await race.all();
    const { runId } = attempts.a.context;
    for (const name of failing) {
      attempts[name].fail(new Error(`${name} is out`));
      await service.event(runId, 'sub-task.failed', name);
    }
    const response = await pending;
    expect(response.status).toBe(502);
    expect((response.body as { failures: unknown }).failures).toEqual(
      failing.map((subTask) => ({ subTask, code: 'threw', message: `${subTask} is out` })),
    );
    expect(await service.showRun(runId)).toMatchObject({ status: 'running', finishedAt: null });
    for (const attempt of Object.values(attempts)) attempt.succeed('all the same');
    expect((await service.finishedRun(runId)).status).toBe('failed');
  });
});
