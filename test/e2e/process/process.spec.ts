import { afterEach, describe, expect, test } from '@jest/globals';
import { ServiceProcess } from '../../support/service-process.js';

/** What a careless sub-task may do, at SIGUSR2. */
const STRAY = `data:text/javascript,process.on('SIGUSR2',()=>{
  setImmediate(()=>{throw new Error('thrown by chance')});
  Promise.reject(new Error('rejected by chance'));
})`;

describe('the service as a process', () => {
  let service: ServiceProcess;
  afterEach(() => service.stop('SIGKILL'));

  const done = () => service.lines.map(({ msg }) => msg).filter((msg) => msg.endsWith(' done'));

  /** Runs the demo; resolves with the id of the run. */
  async function runDemo(): Promise<string> {
    const response = await service.http.get('/run-tasks').expect(200, '{"result":"First result"}');
    return response.get('Location')!.slice('/runs/'.length);
  }

  test('says at its start where to look and what to try, and with memory: that nothing is durable', async () => {
    service = await ServiceProcess.start({ env: { DATABASE_URL: 'memory:' } });
    const { msg } = await service.line(/^Listening/);
    expect(msg).toBe(
      `Listening on ${service.url} - docs: ${service.url}/docs - try: curl -i ${service.url}/run-tasks`,
    );
    expect(await service.line(/DATABASE_URL/)).toMatchObject({
      level: 40,
      msg: expect.stringMatching(/lost/),
    });
    await service.http.get('/docs').expect(200);
    expect(await service.stop()).toBe(0);
  });

  test.each(['SIGTERM', 'SIGINT'] as const)(
    'finishes what is running after %s, and says so',
    async (signal) => {
      service = await ServiceProcess.start({ env: { DEMO_TIME_SCALE: '0.2' } });
      const runId = await runDemo();
      expect(await service.stop(signal)).toBe(0);
      expect(done()).toEqual(['first done', 'third done', 'second done']);
      expect(await service.line(/^Stopping: 1 unfinished run/)).toBeDefined();
      expect(await service.line(/^second done$/)).toMatchObject({ runId, subTask: 'second', level: 30 });
      expect(service.lines.filter(({ level }) => level > 40)).toEqual([]);
      expect(service.lines.at(-1)).toMatchObject({ level: 30, msg: 'Stopped' });
    },
  );

  test('says what it cancels when the grace period is over', async () => {
    service = await ServiceProcess.start({
      env: { DEMO_TIME_SCALE: '0.5', SHUTDOWN_GRACE: '10ms', DATABASE_URL: 'memory:' },
    });
    const runId = await runDemo();
    expect(await service.stop()).toBe(0);
    expect(done()).toEqual(['first done']);
    expect(await service.line(/^Stopped before it finished/)).toMatchObject({
      level: 40,
      runId,
      msg: 'Stopped before it finished: second, third',
    });
    expect(await service.line(/^third cancelled: the service stopped$/)).toMatchObject({ runId });
  });

  test('stops as well when whoever reads its log has gone', async () => {
    service = await ServiceProcess.start({ env: { DATABASE_URL: 'memory:' } });
    service.closeLog();
    expect(await service.stop()).toBe(0);
  });

  test('stops at once when nothing is running', async () => {
    service = await ServiceProcess.start({ env: { SHUTDOWN_GRACE: '1h' } });
    expect(await service.stop()).toBe(0);
    expect(service.lines.map(({ msg }) => msg).filter((msg) => msg.startsWith('Stop'))).toEqual(['Stopped']);
  });

  test('logs what is thrown or rejected where nothing catches it, and goes on', async () => {
    service = await ServiceProcess.start({
      nodeArgs: ['--import', STRAY],
      env: { DEMO_TIME_SCALE: '0.01' },
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
    expect(await runDemo()).toMatch(/^[0-9a-f-]{36}$/);
    expect(await service.stop()).toBe(0);
  });
});
