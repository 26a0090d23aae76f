import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { Agent, get, type IncomingMessage } from 'node:http';
import { json } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { temporaryDirectory } from '../support/temporary-directory.js';

const MB = 2 ** 20;
const CALLERS = 50;

/** The built service, with a probe in it that answers messages with the live heap in bytes, after a collection. */
describe('ten thousand runs through one process', () => {
  const directory = temporaryDirectory();
  const agent = new Agent({ keepAlive: true, maxSockets: CALLERS });
  let child: ChildProcess;
  let url: string;

  beforeAll(async () => {
    child = spawn(process.execPath, ['--expose-gc', '--import', './bench/probes/heap.ts', 'dist/main.js'], {
      env: {
        ...process.env,
        PORT: '0',
        DEMO_TIME_SCALE: '0.001',
        DATABASE_URL: `sqlite:${directory}/runs.db`,
      },
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    });
    url = await new Promise((resolve) => {
      let output = '';
      child.stdout!.on('data', (chunk) => {
        output += String(chunk);
        const listening = /Listening on (http:\S+)/.exec(output);
        if (listening) resolve(listening[1]!);
      });
    });
  });
  afterAll(async () => {
    agent.destroy();
    child.kill();
    await once(child, 'exit');
  });

  async function request(
    path: string,
  ): Promise<{ response: IncomingMessage; body: Record<string, unknown> }> {
    const [response] = (await once(get(url + path, { agent }), 'response')) as [IncomingMessage];
    return { response, body: (await json(response)) as Record<string, unknown> };
  }

  /** Runs the demo so many times, and returns when all sub-tasks have ended. */
  async function run(times: number): Promise<void> {
    let left = times;
    const caller = async (): Promise<void> => {
      let location = '';
      while (left-- > 0) {
        const { response, body } = await request('/run-tasks');
        expect(body).toHaveProperty('result');
        location = response.headers.location!;
      }
      while (location !== '' && (await request(location)).body.status === 'running');
    };
    await Promise.all(Array.from({ length: CALLERS }, caller));
  }

  async function liveHeap(): Promise<number> {
    child.send('heap');
    const [bytes] = (await once(child, 'message')) as [number];
    return bytes;
  }

  test('leave at most 10 MB more than the first thousand did', async () => {
    await run(1_000);
    const afterFirst = await liveHeap();
    await run(9_000);
    const growth = (await liveHeap()) - afterFirst;
    expect(growth / MB).toBeLessThan(10);
  }, 300_000);
});
