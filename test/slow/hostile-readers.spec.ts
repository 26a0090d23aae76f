import { once } from 'node:events';
import { connect } from 'node:net';
import { resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Random } from '../crash/random.js';
import type { MemoryUse } from '../support/memory-use.js';
import { ServiceProcess } from '../support/service-process.js';
import { StreamReader } from '../support/stream-reader.js';

const MB = 2 ** 20;
const BUDGET_MB = 64;
const HEAP_MB = 256;
const MILLISECONDS = 60_000;
const CALLERS = 100;

/** The built service with a small heap, and callers that ask for much and take little. */
describe('hostile callers', () => {
  let service: ServiceProcess;
  beforeAll(async () => {
    service = await ServiceProcess.start({
      env: {
        DEMO_TIME_SCALE: '0.001',
        MAX_INPUT_BYTES: '1mb',
        MEMORY_BUDGET: `${BUDGET_MB}mb`,
        RATE_LIMIT: 'off',
      },
      nodeArgs: ['--expose-gc', `--max-old-space-size=${HEAP_MB}`],
      probe: resolve(import.meta.dirname, '../support/memory-use.ts'),
    });
  });
  afterAll(() => service.stop('SIGKILL'));

  const run = (input: string) => service.http.post('/tasks/demo/runs').send({ input });
  const memory = async () => (await service.ask('memory')) as MemoryUse;

  test('take no more memory than they may, end nothing, and keep others from no reply for good', async () => {
    const { runId } = (await run('x'.repeat(MB - 100)).expect(200)).body as { runId: string };
    for (let n = 0; n < 20; n += 1) await run('x'.repeat(MB - 100)).expect(200);
    const get = (path: string, accept = '*/*') =>
      `GET ${path} HTTP/1.1\r\nHost: localhost\r\nAccept: ${accept}\r\n\r\n`;
    const post = 'POST /tasks/demo/runs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n';
    const attacks: [string, ...string[]] = [
      get(`/runs/${runId}`),
      get(`/runs/${runId}`).repeat(100),
      get('/events?limit=1000'),
      get('/events?after=0', 'text/event-stream'),
      get(`/runs/${runId}/events`, 'text/event-stream'),
      get('/openapi.json'),
      `${post}Content-Length: 1000000\r\n\r\n{"input":"${'x'.repeat(500_000)}`,
      `${post}Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n`,
    ];
    const before = await memory();

    const seed = Math.floor(Math.random() * 2 ** 32);
    const random = new Random(seed);
    const over = new AbortController();
    /** Sends one request after the other, each on a connection of its own, and reads none of some answers and the others slowly. */
    const caller = async (draw: Random): Promise<void> => {
      while (!over.signal.aborted) {
        const socket = connect(Number(new URL(service.url).port), '127.0.0.1');
        socket.on('error', () => undefined);
        socket.write(draw.pick(attacks));
        const closed = once(socket, 'close');
        if (draw.int(0, 3) === 0)
          socket.on('data', () => {
            socket.pause();
            setTimeout(() => socket.resume(), 50).unref();
          });
        await Promise.race([closed, delay(draw.int(500, 5_000), undefined, { signal: over.signal })]).catch(
          () => undefined,
        );
        socket.destroy();
      }
    };
    const callers = Array.from({ length: CALLERS }, () => caller(random.fork()));
    const statuses = new Set<number>();
    let [mostLive, mostResident] = [0, 0];
    const until = performance.now() + MILLISECONDS;
    while (performance.now() < until) {
      statuses.add((await run('small')).status);
      const { live, resident } = await memory();
      mostLive = Math.max(mostLive, Math.ceil((live - before.live) / MB));
      mostResident = Math.max(mostResident, Math.ceil((resident - before.resident) / MB));
    }
    over.abort();
    await Promise.all(callers);

    expect(service.ended).toBe(false);
    expect([...statuses].filter((status) => status !== 200 && status !== 503)).toEqual([]);
    const grown = `by ${mostLive} MB of live memory and ${mostResident} MB of resident memory at most (seed ${seed})`;
    process.stdout.write(`The process grew ${grown}\n`);
    // What V8 and the allocator of the system keep in reserve is resident besides.
    if (mostLive > BUDGET_MB || mostResident > BUDGET_MB + HEAP_MB) throw new Error(`It grew ${grown}`);
    let reader = await StreamReader.open(`${service.url}/events`);
    while (reader.status === 503) {
      reader.close();
      reader = await StreamReader.open(`${service.url}/events`);
    }
    reader.close();
    await run('x'.repeat(MB - 100)).expect(200);
  }, 180_000);
});
