import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { INestApplicationContext } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import {
  Frontrunner,
  FrontrunnerError,
  FrontrunnerModule,
  StreamRestartedError,
} from '../../../src/index.js';
import { CapturedLog } from '../../support/captured-log.js';
import { ControlledStream } from '../../support/controlled-stream.js';

const retry = { attempts: 2, delay: '1ms' } as const;
const both = new ControlledStream('both', { a: {}, b: {} }, { onBreak: 'restart', losers: 'continue' });
const chat = new ControlledStream('chat', { a: { retry } }, { onBreak: 'restart' });
const stale = new ControlledStream('stale', { a: {} }, { reuse: { for: '1ms', staleIfError: '1h' } });

describe('streams of an instance within an application', () => {
  let app: INestApplicationContext;
  let frontrunner: Frontrunner;
  beforeAll(async () => {
    const module = await Test.createTestingModule({
      imports: [
        FrontrunnerModule.forRoot({ database: 'memory:' }),
        FrontrunnerModule.forFeature([...chat.providers, ...both.providers, ...stale.providers]),
      ],
    })
      .setLogger(new CapturedLog())
      .compile();
    app = await module.init();
    frontrunner = app.get(Frontrunner);
  });
  afterAll(() => app.close());

  test('bring the chunks as they come, and end with the reply', async () => {
    const stream = frontrunner.stream('chat', { question: 1 });
    const a = await chat.next('a');
    expect(a.input).toEqual({ question: 1 });
    const seen: unknown[] = [];
    a.send('Hel');
    for await (const chunk of stream) {
      seen.push(chunk);
      if (seen.length === 1) a.send('lo');
      else a.end();
    }
    expect(seen).toEqual(['Hel', 'lo']);
    const run = await stream.run;
    expect(await run.reply()).toMatchObject({ result: 'Hello', answeredBy: 'a' });
    const again: unknown[] = [];
    for await (const chunk of (await frontrunner.run(run.id)).chunks()) again.push(chunk);
    expect(again).toEqual(seen);
  });

  test('say when what came is void, or throw that', async () => {
    const restarts: unknown[] = [];
    const seen: unknown[] = [];
    const onRestart = (begins: object) => {
      restarts.push(begins);
      seen.length = 0;
    };
    const stream = frontrunner.stream('chat', null, { onRestart });
    const first = await chat.next('a');
    first.send('x');
    for await (const chunk of stream) {
      seen.push(chunk);
      if (chunk !== 'x') continue;
      first.fail(new Error('broke off'));
      const second = await chat.next('a');
      second.send('y', 'z');
      second.end();
    }
    expect([restarts, seen]).toEqual([[{ subTask: 'a', attempt: 2 }], ['y', 'z']]);
    const { id: runId } = await stream.run;
    const chunks = (await frontrunner.run(runId)).chunks();
    expect(await chunks.next()).toEqual({ value: 'x', done: false });
    const thrown = await chunks.next().catch((error: unknown) => error);
    expect(thrown).toBeInstanceOf(StreamRestartedError);
    expect(thrown).toBeInstanceOf(FrontrunnerError);
    expect(thrown).toMatchObject({ code: 'stream-restarted', runId, subTask: 'a', attempt: 2 });
  });

  test.each([
    [['y', 'z'], ['yz']],
    [
      [1, 2],
      [1, 2],
    ],
  ])('bring %j of a stream that had ended when the one that was shown broke off', async (sent, expected) => {
    const seen: unknown[] = [];
    const onRestart = ({ subTask }: { subTask: string }) => seen.push(`restart ${subTask}`);
    const stream = frontrunner.stream('both', null, { onRestart });
    const [a, b] = await Promise.all([both.next('a'), both.next('b')]);
    a.send('x');
    for await (const chunk of stream) {
      seen.push(chunk);
      if (chunk !== 'x') continue;
      b.send(...sent);
      b.end();
      for await (const event of (await stream.run).events()) if (event.type === 'sub-task.succeeded') break;
      a.fail(new Error('broke off'));
    }
    expect(seen).toEqual(['x', 'restart b', ...expected]);
  });

  test('throw what the reply is where that is an error, and what keeps a run from starting', async () => {
    const chunks = frontrunner.stream('chat')[Symbol.asyncIterator]();
    for (let attempt = 1; attempt <= 2; attempt += 1) (await chat.next('a')).fail(new Error('down'));
    await expect(chunks.next()).rejects.toMatchObject({ code: 'run-failed' });
    const none = frontrunner.stream('none');
    await expect(none.run).rejects.toMatchObject({ code: 'task-unknown' });
    await expect(none[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: 'task-unknown' });
  });

  test('are those of the last good run, where one fails before its first chunk and that answers', async () => {
    const first = frontrunner.stream('stale');
    const good = await stale.next('a');
    good.send('Hel', 'lo');
    good.end();
    const { id } = await first.run;
    const { repliedAt } = await (await first.run).finished();
    while (Date.now() <= Date.parse(repliedAt ?? '') + 1) await (await first.run).show();
    const second = frontrunner.stream('stale');
    const seen: unknown[] = [];
    const read = (async () => {
      for await (const chunk of second) seen.push(chunk);
    })();
    (await stale.next('a')).fail(new Error('down'));
    await read;
    expect(seen).toEqual(['Hel', 'lo']);
    expect(await (await second.run).reply()).toMatchObject({ runId: id, reused: true, result: 'Hello' });
    const third = frontrunner.stream('stale')[Symbol.asyncIterator]();
    const broken = await stale.next('a');
    broken.send('new');
    expect(await third.next()).toEqual({ done: false, value: 'new' });
    broken.fail(new Error('down'));
    await expect(third.next()).rejects.toMatchObject({ code: 'run-failed' });
  });

  test('leave the run alone when nobody reads on', async () => {
    const stream = frontrunner.stream('chat');
    const a = await chat.next('a');
    a.send('x');
    for await (const _ of stream) break;
    a.send('y');
    a.end();
    expect(await (await stream.run).reply()).toMatchObject({ result: 'xy' });
  });

  test('let the upstream wait for who takes chunks slowly, and miss nothing', async () => {
    const stream = frontrunner.stream('chat');
    const a = await chat.next('a');
    const numbers = Array.from({ length: 500 }, (_, n) => n);
    a.send(0);
    const chunks = stream[Symbol.asyncIterator]();
    const seen = [(await chunks.next()).value];
    // Each is a commit of its own, as long as the upstream is not made to wait.
    const run = await stream.run;
    for (const n of numbers.slice(1)) {
      a.send(n);
      await run.show();
    }
    a.end();
    expect(a.taken).toBeLessThan(50);
    for (let next = await chunks.next(); !next.done; next = await chunks.next()) seen.push(next.value);
    expect(seen).toEqual(numbers);
    expect(a.taken).toBe(500);
  });
});
