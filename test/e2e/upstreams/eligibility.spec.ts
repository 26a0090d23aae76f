import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { tasksFiles } from '../../support/tasks-file.js';
import { TestApp } from '../../support/test-app.js';
import { UpstreamServer } from '../../support/upstreams.js';

describe('`when` of a tasks file', () => {
  const write = tasksFiles();
  let upstream: UpstreamServer;
  let service: TestApp;

  const yaml = () => `tasks:
  weather:
    subTasks:
      - { name: eu, kind: http, url: '${upstream.origin}/eu', allowPrivate: true, when: "{% region = 'eu' %}" }
      - { name: us, kind: http, url: '${upstream.origin}/us', allowPrivate: true, when: "{% $contains(region, 'us') %}" }
      - { name: any, kind: http, url: '${upstream.origin}/any', allowPrivate: true, start: after-failure, when: '{% ids[$ > 2] %}' }
  slow:
    subTasks:
      - { name: endless, kind: http, url: '${upstream.origin}/eu', allowPrivate: true, when: '{% ( $f := function(){ $f() }; $f() ) %}' }
      - { name: any, kind: http, url: '${upstream.origin}/any', allowPrivate: true, start: after-failure }
`;

  beforeAll(async () => {
    upstream = await UpstreamServer.start((request, response) => {
      response.setHeader('Content-Type', 'application/json').end(JSON.stringify(request.url));
    });
    service = await TestApp.start({ env: { TASKS_FILE: write(yaml()) } });
  });
  afterAll(async () => {
    await service.close();
    await upstream.close();
  });

  const subTasksOf = async (input: unknown, task = 'weather') => {
    const response = await service.run(task, { input });
    const { runId, id = runId } = response.body as { id?: string; runId: string };
    const { subTasks } = await service.finishedRun(id);
    return { ...(response.body as { answeredBy?: string }), subTasks };
  };

  test('lets those calls go out that the input is for', async () => {
    const seen = upstream.requests.length;
    expect(await subTasksOf({ region: 'us-east', ids: [1, 2] })).toMatchObject({
      answeredBy: 'us',
      subTasks: [
        { name: 'eu', status: 'skipped', reason: 'when is false' },
        { name: 'us', status: 'succeeded' },
        { name: 'any', status: 'skipped', reason: 'when is false' },
      ],
    });
    expect(upstream.requests.slice(seen).map(({ target }) => target)).toEqual(['/us']);
  });

  test('counts what is not empty as true, and lets the next begin where one fails', async () => {
    const { subTasks, ...answer } = await subTasksOf({ region: 7, ids: [1, 2, 3] });
    expect(answer).toMatchObject({ answeredBy: 'any' });
    expect(subTasks).toMatchObject([
      { name: 'eu', status: 'skipped' },
      {
        name: 'us',
        status: 'failed',
        attempts: 0,
        error: { code: 'when-failed', message: expect.stringContaining('when failed: ') },
      },
      { name: 'any', status: 'succeeded', trigger: 'failure' },
    ]);
    expect(JSON.stringify(subTasks)).not.toContain('contains" has "7');
  });

  test('fails where it takes too long, and holds up no other run', async () => {
    const slow = subTasksOf({}, 'slow');
    expect(await subTasksOf({ region: 'eu', ids: [] })).toMatchObject({ answeredBy: 'eu' });
    expect(await slow).toMatchObject({
      answeredBy: 'any',
      subTasks: [{ status: 'failed', error: { code: 'when-failed' } }, { status: 'succeeded' }],
    });
  });

  test('is shown with its task', async () => {
    const task = await service.http.get('/tasks/weather').expect(200);
    expect(task.body).toMatchObject({
      subTasks: [{ when: "{% region = 'eu' %}" }, {}, { start: 'after-failure' }],
    });
  });
});
