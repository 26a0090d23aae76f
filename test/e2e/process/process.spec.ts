import { afterEach, describe, expect, test } from '@jest/globals';
import { ServiceProcess } from '../../support/service-process.js';

/** What a careless sub-task may do, at SIGUSR2. */
const STRAY = `data:text/javascript,process.on('SIGUSR2',()=>{
  setImmediate(()=>{throw new Error('thrown by chance')});
  Promise.reject(new Error('rejected by chance'));
})`;

/** Answers with what the process has loaded, and each of its threads. */
const LOADED = `data:text/javascript,import { registerHooks } from 'node:module';
  import { isMainThread } from 'node:worker_threads';
  const urls = [];
  const channel = new BroadcastChannel('loaded');
  channel.unref();
  channel.onmessage = ({ data }) => urls.push(data);
  const note = (url) => (isMainThread ? urls.push(url) : channel.postMessage('thread ' + url));
  registerHooks({ load: (url, context, next) => (note(url), next(url, context)) });
  process.on('message', () => process.send(urls));
  process.channel?.unref()`;

describe('the service as a process', () => {
  let service: ServiceProcess;
  afterEach(() => service.stop('SIGKILL'));

  const done = () => service.lines.map(({ msg }) => msg).filter((msg) => msg.endsWith(' done'));

  /** Runs the demo; resolves with the id of the run. */
  async function runDemo(): Promise<string> {
    const response = await service.http.get('/run-tasks').expect(200, '{"result":"First result"}');
    return response.get('Location')!.slice('/runs/'.length);
  }

  test('says at its start where to look and what to try, and stops at once when nothing is running', async () => {
    service = await ServiceProcess.start({ env: { DATABASE_URL: 'memory:', SHUTDOWN_GRACE: '1h' } });
    const { msg } = await service.line(/^Listening/);
    expect(msg).toBe(
      `Listening on ${service.url} - page: ${service.url}/ui/ - docs: ${service.url}/docs - metrics: ${service.url}/metrics - try: curl -i ${service.url}/run-tasks`,
    );
    expect(await service.line(/DATABASE_URL/)).toMatchObject({
      level: 40,
      msg: expect.stringMatching(/lost/),
    });
    await service.http.get('/docs').expect(200);
    expect(await service.stop()).toBe(0);
    expect(service.lines.map(({ msg }) => msg).filter((msg) => msg.startsWith('Stop'))).toEqual(['Stopped']);
  });

  /** Stops it while a run goes on, which must finish. */
  async function stopWhileRunning(signal: 'SIGTERM' | 'SIGINT'): Promise<void> {
    const runId = await runDemo();
    expect(await service.stop(signal)).toBe(0);
    expect(done()).toEqual(['first done', 'third done', 'second done']);
    expect(await service.line(/^Stopping: 1 unfinished run/)).toBeDefined();
    expect(await service.line(/^second done$/)).toMatchObject({ runId, subTask: 'second', level: 30 });
    expect(service.lines.at(-1)).toMatchObject({ level: 30, msg: 'Stopped' });
  }

  test('finishes what is running after SIGTERM, and says so, and has loaded nothing that only Postgres, tasks files or terminals need', async () => {
    service = await ServiceProcess.start({ env: { DEMO_TIME_SCALE: '0.2' }, probe: LOADED });
    const loaded = (await service.ask('what')) as string[];
    expect(loaded).toContainEqual(expect.stringMatching(/^file:.*\/node_modules\/rxjs\//));
    expect(loaded).toContainEqual(expect.stringMatching(/^thread file:.*\/sqlite-store\.js$/));
    const needless =
      /\/node_modules\/(pg|pg-boss|kysely|yaml|ajv|undici|pino-pretty)\/|^thread .*\/node_modules\//;
    expect(loaded.filter((url) => needless.test(url))).toEqual([]);
    await stopWhileRunning('SIGTERM');
    expect(service.lines.filter(({ level }) => level > 40)).toEqual([]);
  });

  test('logs what is thrown or rejected where nothing catches it, and goes on: it finishes what is running after SIGINT', async () => {
    service = await ServiceProcess.start({
      nodeArgs: ['--import', STRAY],
      env: { DEMO_TIME_SCALE: '0.2' },
    });
    service.signal('SIGUSR2');
    expect(await service.line(/^A promise was rejected/)).toMatchObject({
      level: 50,
      msg: expect.stringContaining('rejected by chance'),
      stack: expect.stringContaining('Error: rejected by chance'),
    });
    expect(await service.line(/^An error was thrown/)).toMatchObject({
      level: 50,
      msg: expect.stringContaining('thrown by chance'),
    });
    await stopWhileRunning('SIGINT');
    expect(service.lines.filter(({ level }) => level > 40)).toHaveLength(2);
  });

  test('stops as well when whoever reads its log has gone', async () => {
    service = await ServiceProcess.start({ env: { DATABASE_URL: 'memory:' } });
    service.closeLog();
    expect(await service.stop()).toBe(0);
  });
});
