import type { RequestListener, ServerResponse } from 'node:http';
import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { expectProblem } from '../../support/problem.js';
import { tasksFiles } from '../../support/tasks-file.js';
import { TestApp } from '../../support/test-app.js';
import { UpstreamServer } from '../../support/upstreams.js';

/** An upstream that answers when it is told to. */
class Held {
  private readonly waiting: ServerResponse[] = [];
  private answered = 0;

  private constructor(readonly server: UpstreamServer) {}

  static async start(): Promise<Held> {
    let held: Held | undefined = undefined;
    const answer: RequestListener = (_request, response) => held?.waiting.push(response);
    return (held = new Held(await UpstreamServer.start(answer)));
  }

  /** Resolves as soon as so many requests are unanswered. */
  holds(count: number): Promise<void> {
    return this.server.until(() => this.server.requests.length - this.answered === count);
  }

  /** Answers the next request. */
  async answer(body: unknown, status = 200): Promise<void> {
    await this.server.until(() => this.server.requests.length > this.answered);
    this.answered += 1;
    this.waiting.shift()?.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  }
}

describe('a reload of the tasks file', () => {
  const write = tasksFiles();
  let [before, after, kept]: [Held, Held, Held] = [] as never;
  let file: string;
  let service: TestApp;

  const http = (name: string, { server }: Held, rest = '') =>
    `{ kind: http, name: ${name}, url: '${server.origin}/', allowPrivate: true ${rest} }`;
  const fileOf = (tasks: Readonly<Record<string, readonly string[]>>) => {
    const lines = Object.entries(tasks).map(
      ([name, subTasks]) => `  ${name}: { subTasks: [${subTasks.join(', ')}] }\n`,
    );
    return `tasks:\n${lines.join('')}`;
  };
  const reload = (tasks: string) => {
    writeFileSync(file, tasks);
    return service.http.post('/tasks-file/reload');
  };
  const start = async (task: string): Promise<string> => {
    const { body } = (await service.http
      .post(`/tasks/${task}/runs`)
      .set('Prefer', 'respond-async')
      .expect(202)) as { body: unknown };
    return (body as { id: string }).id;
  };

  const first = () => ({
    moved: [http('a', before, ', retry: { attempts: 2, delay: 1ms }')],
    same: [http('a', kept, ', concurrency: 1')],
    gone: [http('a', before)],
    hedged: [http('a', kept), http('b', kept, ', start: { after: 1ms }')],
    wide: [http('a', kept), http('b', kept)],
  });
  const second = () => {
    const { gone: _, ...others } = first();
    return { ...others, moved: [http('a', after)], added: [http('a', after)] };
  };
  const text = (tasks: ReturnType<typeof first> | ReturnType<typeof second>) =>
    fileOf(tasks).replace('hedged: {', "hedged: { hedgeBudget: '50%',");

  beforeAll(async () => {
    [before, after, kept] = [await Held.start(), await Held.start(), await Held.start()];
    file = write(text(first()));
    service = await TestApp.start({ env: { TASKS_FILE: file, HOOKS: 'hooks.invalid' } });
  });
  beforeEach(async () => {
    await reload(text(first())).expect(200);
  });
  afterAll(async () => {
    await service.close();
    for (const { server } of [before, after, kept]) await server.close();
  });

  test('with a mistake changes nothing, and says each with its line and column', async () => {
    const broken = fileOf({ moved: [http('a', after, ', timeout: 2')], demo: [http('a', after)] });
    const { mistakes } = await expectProblem(service, await reload(broken), 409, 'tasks-file-wrong');
    expect(mistakes).toEqual([
      {
        file,
        line: 2,
        column: expect.any(Number),
        path: 'tasks.moved.subTasks[0].timeout',
        detail: 'takes a text such as "2s", not a number',
      },
      {
        file,
        line: 3,
        column: 3,
        path: 'tasks.demo',
        detail: 'is the name of a task of the code, DemoTask, too; rename one',
      },
    ]);
    expect(await service.log.line(/^Not reloaded/)).toMatchObject({
      level: 'error',
      msg: expect.stringContaining(`${file}:3:3: tasks.demo: is the name`),
    });
    await service.http.get('/tasks/gone').expect(200);
    const run = await start('moved');
    await before.answer(1);
    await service.finishedRun(run);
    await expectProblem(service, await reload('['), 409, 'tasks-file-wrong');
  });

  test('switches new runs to the file, and lets runs under way end as they began', async () => {
    const [old, gone, failed, same] = [
      await start('moved'),
      await start('gone'),
      await start('gone'),
      await start('same'),
    ];
    await before.holds(3);
    await kept.holds(1);
    const changed = await reload(text(second())).expect(200);
    expect(changed.body).toEqual({
      tasks: ['moved', 'same', 'hedged', 'wide', 'added'],
      added: ['added'],
      removed: ['gone'],
    });
    expect(service.log.lines.at(-1)?.msg).toBe(
      `Reloaded: 5 tasks from ${file}: moved, same, hedged, wide, added`,
    );
    await expectProblem(service, await service.run('gone'), 404, 'task-unknown');
    await service.http.get('/tasks/added').expect(200);

    await before.answer('no', 503);
    await before.answer('of what is gone');
    await before.answer('no', 400);
    await before.answer('of the second attempt');
    await kept.answer('of what is as before');
    expect(await service.finishedRun(old)).toMatchObject({
      status: 'succeeded',
      subTasks: [{ attempts: 2 }],
    });
    expect(await service.finishedRun(gone)).toMatchObject({ status: 'succeeded' });
    expect(await service.finishedRun(failed)).toMatchObject({ status: 'failed' });
    expect(await service.finishedRun(same)).toMatchObject({ status: 'succeeded' });

    const moved = await start('moved');
    await after.answer('of the other origin');
    expect(await service.finishedRun(moved)).toMatchObject({
      status: 'succeeded',
      subTasks: [{ attempts: 1 }],
    });
    expect(after.server.requests).toHaveLength(1);

    // Its origin is gone, and so is the last run that called it.
    await before.server.deserted();
    const retried = await service.http.post(`/runs/${failed}/sub-tasks/a/retry`);
    await expectProblem(service, retried, 404, 'task-unknown');
  });

  test('gives the webhooks of the file to the runs that are accepted from then on', async () => {
    const secret = `whsec_${Buffer.alloc(32, 'planted').toString('base64')}`;
    const withWebhook = (members: string) =>
      text(first()).replace('same: {', `same: { webhooks: [{ url: 'https://\${HOOKS}/a?b'${members} }],`);
    const refused = await reload(withWebhook(''));
    expect(await expectProblem(service, refused, 409, 'tasks-file-wrong')).toMatchObject({
      mistakes: [
        { line: 3, path: 'tasks.same.webhooks[0].secret', detail: expect.stringMatching(/^is missing/) },
      ],
    });
    await reload(withWebhook(`, secret: ${secret}, events: [run.finished]`)).expect(200);
    const told = await start('same');
    await reload(text(first())).expect(200);
    const untold = await start('same');
    for (const answer of ['a', 'b']) await kept.answer(answer);
    expect(await service.finishedRun(told)).toMatchObject({
      webhooks: [{ url: 'https://${HOOKS}/a', events: ['run.finished'] }],
    });
    expect(await service.finishedRun(untold)).not.toHaveProperty('webhooks');
    const { data } = await service.event(told, 'run.started');
    expect(data.webhooks).toMatchObject([{ url: 'https://hooks.invalid/a?b', secrets: [{}] }]);
  });

  test('of a task that is as before leaves it its connections, its slots and its hedge budget', async () => {
    // A connection whose answer is just over isn't free yet: so there are two.
    const wide = await start('wide');
    await kept.holds(2);
    for (const answer of ['a', 'b']) await kept.answer(answer);
    await service.finishedRun(wide);
    const primed = await start('hedged');
    await kept.answer('first');
    await service.finishedRun(primed);
    const { connections } = kept.server;
    const first = await start('same');
    await kept.holds(1);
    await reload(text(second())).expect(200);
    const next = await start('same');
    await kept.answer(1);
    const ended = await service.event(first, 'sub-task.succeeded');
    await kept.answer(2);
    await service.finishedRun(next);
    expect((await service.event(next, 'sub-task.started')).id).toBeGreaterThan(ended.id);
    expect(kept.server.connections).toBe(connections);

    // The first run after a start of its own would be held back: one hedge of one run is more than half.
    const hedged = await start('hedged');
    await kept.holds(2);
    await kept.answer('slow');
    await kept.answer('hedge');
    expect(await service.finishedRun(hedged)).toMatchObject({ status: 'succeeded' });
  });
});
