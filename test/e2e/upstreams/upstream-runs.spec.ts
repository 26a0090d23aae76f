import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { HttpSubTask } from '../../../src/upstreams/http-sub-task.js';
import { Upstreams } from '../../../src/upstreams/upstreams.js';
import { inlineTask, type InlineSubTask } from '../../support/inline-task.js';
import { expectProblem } from '../../support/problem.js';
import { TestApp } from '../../support/test-app.js';
import { json, misbehaviours, UpstreamServer } from '../../support/upstreams.js';

const SECRET = 'a-secret-of-the-environment';

let service: TestApp;
let flaky: UpstreamServer;
let stuck: UpstreamServer;
let good: UpstreamServer;
let gone: UpstreamServer;

/** Connections that end with the service, as those of a tasks file do. */
const OWN_UPSTREAMS = {
  provide: Upstreams,
  useFactory: () => {
    const made = new Upstreams();
    return Object.assign(made, { onApplicationShutdown: () => made.close() });
  },
};

/** A sub-task that asks one of the upstreams, which start with the tests. */
function asking(
  upstream: () => UpstreamServer,
  options: Partial<InlineSubTask> = {},
  app = () => service,
): InlineSubTask {
  let subTask: HttpSubTask | undefined;
  return {
    ...options,
    run: (input, context) => {
      const { origin } = upstream();
      const headers = { Authorization: 'Bearer ${KEY}' };
      subTask ??= new HttpSubTask(
        { url: `${origin}/{id}`, allowPrivate: true, headers },
        app().app.get(Upstreams, { strict: false }),
        { KEY: SECRET },
      );
      return subTask.run(input, context);
    },
  };
}

const retry = { attempts: 2, delay: 1 };
const tasks = [
  ...inlineTask(
    'ask',
    { flaky: asking(() => flaky, { retry }), gone: asking(() => gone, { retry }) },
    { reply: { policy: 'all' } },
  ),
  ...inlineTask('race', { good: asking(() => good), stuck: asking(() => stuck) }, { losers: 'cancel' }),
  ...inlineTask('late', { stuck: asking(() => stuck, { timeout: 20 }) }),
];

describe('HTTP sub-tasks in runs', () => {
  beforeAll(async () => {
    flaky = await UpstreamServer.start(({ headers }, response) => {
      response.writeHead(503, { 'retry-after': '0' }).end(`down, ${String(headers.authorization)}`);
    });
    good = await UpstreamServer.start(json({ good: true }));
    stuck = await UpstreamServer.start(misbehaviours.slowHeaders);
    gone = await UpstreamServer.start(json({ error: 'gone' }, 410));
    service = await TestApp.start({ providers: [...tasks, OWN_UPSTREAMS] });
  });
  afterAll(async () => {
    await service.close();
    for (const server of [flaky, good, stuck, gone]) await server.close();
  });

  async function failedRun(id: number): Promise<{ runId: string }> {
    const response = await service.run('ask', { input: { id } });
    return response.body as { runId: string };
  }

  describe('a run of HTTP sub-tasks', () => {
    test('that fail says what each upstream answered, in the problem, the run and the events', async () => {
      const response = await service.run('ask', { input: { id: 1 } });
      const { runId, failures } = await expectProblem(service, response, 502, 'run-failed');
      const upstream = { status: 410, excerpt: '{"error":"gone"}' };
      const failure = { code: 'upstream-status', message: `${gone.origin} answered 410`, upstream };
      expect(failures).toEqual([{ subTask: 'gone', ...failure }]);
      const run = await service.finishedRun(String(runId));
      expect(run.subTasks).toMatchObject([
        {
          name: 'flaky',
          attempts: 2,
          error: {
            code: 'upstream-status',
            message: `${flaky.origin} answered 503 and asks to wait 0 s (Retry-After)`,
            upstream: { status: 503, excerpt: 'down, Bearer [redacted]' },
          },
        },
        { name: 'gone', attempts: 1, error: failure },
      ]);
      const { text } = await service.http.get(`/runs/${run.id}/events`).expect(200);
      expect(text).toContain(JSON.stringify(failure));
    });

    test('tells its secrets to nobody but the upstream', async () => {
      const { runId, ...told } = await failedRun(2);
      await service.finishedRun(runId);
      expect(flaky.requests.at(-1)?.headers.authorization).toBe(`Bearer ${SECRET}`);
      const tasksShown: unknown = (await service.http.get('/tasks').expect(200)).body;
      expect(JSON.stringify([service.events, service.log.lines, told, tasksShown])).not.toContain(SECRET);
    });

    test('writes a line of each failure to the log, and no stack trace', async () => {
      const { id } = await service.finishedRun((await failedRun(3)).runId);
      const lines = service.log.lines.filter(({ runId }) => runId === id);
      expect(lines.map(({ msg }) => msg)).toContain(`gone failed: ${gone.origin} answered 410`);
      expect(JSON.stringify(lines)).not.toContain('"stack"');
    });

    test('closes the connection of a loser that is cancelled', async () => {
      const { answeredBy } = await service.answer('race', { input: { id: 4 } });
      expect(answeredBy).toBe('good');
      await stuck.deserted();
    });

    test('closes the connection of an attempt that times out', async () => {
      const { failures } = await expectProblem(
        service,
        await service.run('late', { input: { id: 5 } }),
        502,
        'run-failed',
      );
      expect(failures).toEqual([{ subTask: 'stuck', code: 'timeout', message: 'took longer than 20 ms' }]);
      await stuck.until(() => stuck.requests.some(({ target }) => target === '/5'));
      await stuck.deserted();
    });
  });

  describe('a stop of the service', () => {
    let upstream: UpstreamServer;
    let stopping: TestApp;
    let answer: (() => void) | undefined;

    const begin = async (SHUTDOWN_GRACE: string) => {
      answer = undefined;
      upstream = await UpstreamServer.start((_request, response) => {
        answer = () => response.end('in time');
      });
      const task = inlineTask('slow', {
        slow: asking(
          () => upstream,
          {},
          () => stopping,
        ),
      });
      stopping = await TestApp.start({
        providers: [...task, OWN_UPSTREAMS],
        env: { SHUTDOWN_GRACE },
      });
      const reply = stopping.run('slow', { input: { id: 6 } });
      // supertest sends nothing before somebody waits.
      const answered = reply.then(({ body, status }) => ({ body: body as object, status }));
      await upstream.until(() => upstream.requests.length === 1);
      return { answered };
    };

    test('leaves its connections alone as long as runs may go on', async () => {
      const { answered } = await begin('20s');
      const closed = stopping.close();
      await stopping.http.get('/').catch(() => undefined);
      answer?.();
      expect(await answered).toMatchObject({ status: 200, body: { result: 'in time' } });
      await closed;
      await upstream.close();
    });

    test('closes them when that time is over', async () => {
      const { answered } = await begin('10ms');
      await stopping.close();
      expect((await answered).status).toBe(503);
      await upstream.deserted();
      await upstream.close();
    });
  });
});
