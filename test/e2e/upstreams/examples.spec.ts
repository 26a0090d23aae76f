import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { tasksFiles } from '../../support/tasks-file.js';
import { TestApp } from '../../support/test-app.js';
import { ROOT } from '../../support/type-check.js';

/** The ports that the examples name, in the order in which their upstreams start. */
const PORTS = [4001, 4002, 4003, 4004, 4005, 4006, 4007];

/** The upstreams of the examples, on ports that the system chooses. */
class ExampleUpstreams {
  readonly lines: string[] = [];
  private readonly waiting = new Set<() => void>();
  private child: ChildProcess | undefined;

  async start(): Promise<void> {
    const child = spawn(process.execPath, [join(ROOT, 'examples/upstreams.mjs'), '0'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.child = child;
    createInterface({ input: child.stdout }).on('line', (line) => {
      this.lines.push(line);
      for (const check of [...this.waiting]) check();
    });
    await this.until(() => this.lines.length >= PORTS.length);
  }

  /** Resolves as soon as a line says so. */
  said(text: string): Promise<void> {
    return this.until(() => this.lines.some((line) => line.includes(text)));
  }

  /** An example, with the origins of these. */
  adapt(yaml: string): string {
    const urls = this.lines.slice(0, PORTS.length).map((line) => line.split(' ', 1)[0]!);
    return PORTS.reduce(
      (text, port, index) => text.replaceAll(`http://127.0.0.1:${port}`, urls[index]!),
      yaml,
    );
  }

  async stop(): Promise<void> {
    this.child!.kill();
    await once(this.child!, 'close');
  }

  private until(isSo: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const check = (): void => {
        if (!isSo()) return;
        this.waiting.delete(check);
        resolve();
      };
      this.waiting.add(check);
      check();
    });
  }
}

describe('the example', () => {
  const write = tasksFiles();
  const upstreams = new ExampleUpstreams();
  let service: TestApp;

  beforeAll(async () => {
    process.env.RISK_KEY = 'sesame';
    await upstreams.start();
  });
  afterEach(() => service.close());
  afterAll(async () => {
    await upstreams.stop();
    delete process.env.RISK_KEY;
  });

  async function start(name: string): Promise<void> {
    const yaml = readFileSync(join(ROOT, 'examples', `${name}.yaml`), 'utf8');
    service = await TestApp.start({ env: { TASKS_FILE: write(upstreams.adapt(yaml)) } });
  }

  const outcomes = async (runId: string) =>
    Object.fromEntries((await service.finishedRun(runId)).subTasks.map(({ name, status }) => [name, status]));

  test('mirrors.yaml answers with the first good mirror, and cuts off the slow one', async () => {
    await start('mirrors');
    const { runId, result, answeredBy } = await service.answer('release', { input: { file: 'a b.iso' } });
    expect(answeredBy).toBe('berlin');
    expect(result).toEqual({ file: 'a b.iso', mirror: 'berlin' });
    expect(await outcomes(runId)).toEqual({ berlin: 'succeeded', oslo: 'cancelled', lisbon: 'failed' });
    await upstreams.said('the mirror oslo: the caller is gone');
    const refused = await service.run('release', { input: {} });
    expect(refused.body).toMatchObject({ errors: [{ pointer: '/input/file' }] });
  });

  test('hedged-read.yaml asks the second replica where the first is slow, of ten runs in one at most', async () => {
    await start('hedged-read');
    const read = (id: number) => service.answer('article', { input: { id } });
    for (let id = 1; id < 10; id += 1) {
      const { runId, result, answeredBy } = await read(id);
      expect({ result, answeredBy }).toEqual({ result: `Article ${id}`, answeredBy: 'replica-1' });
      expect(await outcomes(runId)).toEqual({ 'replica-1': 'succeeded', 'replica-2': 'skipped' });
    }
    const slow = await read(10);
    expect(slow).toMatchObject({ result: 'Article 10', answeredBy: 'replica-2' });
    expect(await outcomes(slow.runId)).toEqual({ 'replica-1': 'cancelled', 'replica-2': 'succeeded' });
    await upstreams.said('replica-1: the caller is gone');
    const next = await read(20);
    expect(next).toMatchObject({ result: 'Article 20', answeredBy: 'replica-1' });
    expect(await service.event(next.runId, 'sub-task.held-back')).toMatchObject({ subTask: 'replica-2' });
  });

  test('enrichment.yaml answers with the order, and keeps the risk that is known later', async () => {
    await start('enrichment');
    const { runId, result, answeredBy, background } = await service.answer('order', {
      input: { orderId: 7 },
    });
    expect({ answeredBy, background }).toEqual({ answeredBy: 'order', background: ['risk'] });
    expect(result).toEqual({ orderId: 7, total: '49.90' });
    expect(await service.finishedRun(runId)).toMatchObject({
      status: 'succeeded',
      reply: { result: { orderId: 7 } },
      subTasks: [
        { name: 'order', attempts: 1 },
        { name: 'risk', attempts: 2, failures: 1, result: { orderId: 7, risk: 'low' } },
      ],
    });
  });
});
