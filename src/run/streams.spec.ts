import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import fc from 'fast-check';
import { Observable, of } from 'rxjs';
import { useFakeClock } from '../../test/support/fake-clock.js';
import { PastRun } from '../../test/support/past-run.js';
import { PushedStream } from '../../test/support/pushed-stream.js';
import { createRuntime, type RuntimeOptions } from '../../test/support/runtime.js';
import type { RunEvent } from '../core/events.js';
import { MemoryBudget } from '../core/memory-budget.js';
import type { OnBreak } from '../core/policies.js';
import type { StartRule } from '../core/start-rule.js';
import type { SubTaskContext, SubTaskOptions } from '../core/sub-task.js';
import { StreamMessages } from '../feed/stream-messages.js';
import type { RunRequest } from '../tasks/tasks.schemas.js';

interface Racer extends Partial<SubTaskOptions> {
  readonly start?: StartRule;
}

/** A task whose sub-tasks stream what the test brings: each attempt has a stream of its own. */
class StreamRace {
  readonly runtime: ReturnType<typeof createRuntime>;
  readonly signals: Record<string, AbortSignal> = {};
  /** How many attempts each sub-task has begun. */
  readonly attempts: Record<string, number> = {};
  /** What a sub-task returns instead. */
  readonly returns: Record<string, unknown> = {};
  private readonly streams = new Map<string, PushedStream[]>();

  constructor(
    racers: Readonly<Record<string, Racer>>,
    options: RuntimeOptions = {},
    environment: Readonly<Record<string, string>> = {},
  ) {
    const subTasks = Object.entries(racers).map(([name, racer]) => ({
      name,
      stream: true as const,
      ...racer,
      run: (_input: unknown, context: SubTaskContext) => {
        this.signals[name] = context.signal;
        this.attempts[name] = context.attempt;
        return this.returns[name] ?? this.of(name, context.attempt);
      },
    }));
    this.runtime = createRuntime(subTasks, environment, { losers: 'cancel', ...options });
  }

  of(name: string, attempt = 1): PushedStream {
    const streams = this.streams.get(name) ?? [];
    this.streams.set(name, streams);
    return (streams[attempt - 1] ??= new PushedStream());
  }

  async start(request: RunRequest = {}) {
    const run = await this.runtime.tasks.start('task', request);
    await this.runtime.settle();
    return run;
  }

  async settle(): Promise<void> {
    await this.runtime.settle();
  }

  /** Lets what is appended from now on wait. @returns what lets some of it go on, in its order, and, without a number, all and what follows */
  delayCommits(): (count?: number) => void {
    const { journal } = this.runtime;
    const append = journal.append.bind(journal);
    const late: (() => void)[] = [];
    const slow = jest
      .spyOn(journal, 'append')
      .mockImplementation((...terms) => void late.push(() => append(...terms)));
    return (count) => {
      if (count === undefined) slow.mockRestore();
      for (const one of late.splice(0, count ?? late.length)) one();
    };
  }

  /** What is on record of streams, and of ends, in a line an event. */
  get told(): string[] {
    return this.runtime.events.flatMap((event) => {
      if (event.type === 'sub-task.streamed')
        return [
          `${event.subTask}${event.attempt} ${event.data.first}: ${(event.data.chunks as string[]).join('|')}`,
        ];
      if (event.type === 'run.replied')
        return 'error' in event.data.reply
          ? [event.data.reply.error.code]
          : [`${String(event.data.reply.answeredBy)} replied ${JSON.stringify(event.data.reply.result)}`];
      if (event.type === 'run.finished') return [event.data.status];
      if (!('subTask' in event) || event.type === 'sub-task.started') return [];
      return [`${event.subTask} ${event.type.slice('sub-task.'.length)}`];
    });
  }

  eventOf<T extends RunEvent['type']>(type: T, subTask?: string): RunEvent<T> {
    return this.runtime.events.find(
      (event): event is RunEvent<T> =>
        event.type === type && (subTask === undefined || ('subTask' in event && event.subTask === subTask)),
    )!;
  }
}

/** What a reader was shown when it had the reply; an answer of a stream that had ended is shown whole. */
function shownOf(race: StreamRace): { chunks: unknown; reply: unknown } {
  const messages = new StreamMessages();
  let chunks: string | undefined = '';
  for (const message of race.runtime.events.flatMap((event) => messages.of(event))) {
    if (message.event === 'restart') chunks = undefined;
    else if (message.event === 'chunk') {
      chunks = `${message.first === 0 ? '' : chunks}${(message.chunks as string[]).join('')}`;
    } else {
      const { reply } = message.decision;
      if ('error' in reply) return { chunks: undefined, reply: undefined };
      return { chunks: chunks ?? reply.result, reply: reply.result };
    }
  }
  return { chunks: 'no reply', reply: 'of none' };
}

describe('streams', () => {
  beforeEach(() => {
    useFakeClock(0);
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  describe('a race of streams', () => {
    test('is won by the first chunk that wins; the losers are cancelled, and the result is all of the winner’s', async () => {
      const race = new StreamRace({ a: {}, b: {} });
      const run = await race.start();
      race.of('b').push('', 'Hel');
      await race.settle();
      expect(race.told).toEqual(['b1 0: |Hel', 'a cancelled']);
      expect(race.of('a').returned).toBe(true);
      race.of('b').push('lo').end();
      await race.settle();
      expect(race.told.slice(2)).toEqual(['b1 2: lo', 'b succeeded', 'b replied "Hello"', 'succeeded']);
      expect(await race.runtime.tasks.reply(run)).toMatchObject({ answeredBy: 'b', result: 'Hello' });
      expect(jest.getTimerCount()).toBe(0);
    });

    test('has chunks that are no texts as a list', async () => {
      const race = new StreamRace({ a: {} });
      const run = await race.start();
      race.of('a').push({ n: 1 }, 'two').end();
      await race.settle();
      expect(await race.runtime.tasks.reply(run)).toMatchObject({ result: [{ n: 1 }, 'two'] });
    });

    test.each([[undefined], [null], [''], [{}], [[]]])('is not won by the chunk %j', async (chunk) => {
      const race = new StreamRace({ a: {}, b: {} });
      await race.start();
      race.of('a').push(chunk).end();
      await race.settle();
      expect(race.told).toEqual(['a failed']);
      expect(race.eventOf('sub-task.failed').data.error.code).toBe('stream-empty');
      race.of('b').push(0);
      await race.settle();
      expect(race.told.at(-1)).toBe('b1 0: 0');
    });

    test('is won by what wins says', async () => {
      const wins = (chunk: unknown) => Promise.resolve(chunk === 'good');
      const race = new StreamRace({ a: { stream: { wins } }, b: {} });
      await race.start();
      race.of('a').push('bad');
      await race.settle();
      race.of('b').push('enough');
      await race.settle();
      expect(race.told).toEqual(['b1 0: enough', 'a cancelled']);
    });

    test('records further chunks in groups, one of them on its way at a time', async () => {
      const race = new StreamRace({ a: {} });
      await race.start();
      race.of('a').push('1', '2', '3', '4').end();
      await race.settle();
      const chunks = race.told.filter((line) => line.startsWith('a1'));
      expect(chunks[0]).toBe('a1 0: 1');
      expect(chunks.length).toBeLessThan(5);
      expect(chunks.map((line) => line.split(': ')[1]).join('|')).toBe('1|2|3|4');
    });

    test('lets losers go on where they are to, and records no chunks of theirs', async () => {
      const race = new StreamRace({ a: {}, b: {} }, { losers: 'continue' });
      await race.start();
      race.of('a').push('a');
      await race.settle();
      race.of('b').push('b', 'b').end();
      await race.settle();
      expect(race.told).toEqual(['a1 0: a', 'b succeeded']);
      race.of('a').end();
      await race.settle();
      expect(race.told.slice(2)).toEqual(['a succeeded', 'a replied "a"', 'succeeded']);
      expect(race.eventOf('sub-task.succeeded', 'b').data).toMatchObject({
        result: 'bb',
        stream: { chunks: 2, bytes: 2 },
      });
    });

    test('cancels losers after a while from the first chunk, where they are to be', async () => {
      const race = new StreamRace({ a: {}, b: {} }, { losers: { policy: 'cancel-after', after: '2s' } });
      await race.start();
      race.of('a').push('a');
      await race.settle();
      await jest.advanceTimersByTimeAsync(1_999);
      expect(race.told).toEqual(['a1 0: a']);
      await jest.advanceTimersByTimeAsync(1);
      expect(race.told.at(-1)).toBe('b cancelled');
      race.of('a').end();
      await race.settle();
      expect(race.told.at(-1)).toBe('succeeded');
      expect(jest.getTimerCount()).toBe(0);
    });

    test('tells what a loser had brought when it was cut', async () => {
      const race = new StreamRace({ a: { stream: { wins: () => false } }, b: {} });
      await race.start();
      race.of('a').push('ab', 'é');
      await race.settle();
      await jest.advanceTimersByTimeAsync(40);
      race.of('b').push('b');
      await race.settle();
      expect(race.eventOf('sub-task.cancelled').data.stream).toEqual({ chunks: 2, bytes: 4 });
      race.of('b').end();
      await race.settle();
      expect(race.eventOf('sub-task.succeeded').data.stream).toEqual({
        chunks: 1,
        bytes: 1,
        firstChunkMs: 40,
      });
      expect(race.eventOf('run.replied').data.firstChunkMs).toBe(40);
    });

    describe('of which one is held', () => {
      const hedged = { a: {}, b: { start: { after: '100ms' } as const } };

      test('starts it when no chunk has won by its time', async () => {
        const race = new StreamRace(hedged);
        await race.start();
        await jest.advanceTimersByTimeAsync(100);
        expect(race.of('b').asked).toBe(1);
      });

      test('skips it once one has', async () => {
        const race = new StreamRace(hedged);
        await race.start();
        race.of('a').push('a');
        await race.settle();
        await jest.advanceTimersByTimeAsync(100);
        expect(race.told).toEqual(['a1 0: a', 'b skipped']);
      });

      test('starts it at once when a sub-task takes too long to return its stream, which ends when it comes', async () => {
        const late = Promise.withResolvers<PushedStream>();
        const stalled = new StreamRace({
          a: { stream: { firstChunk: '2s' } },
          b: { start: 'after-failure' },
        });
        stalled.returns.a = late.promise;
        await stalled.start();
        await jest.advanceTimersByTimeAsync(2_000);
        expect(stalled.told).toEqual(['a failed']);
        const stream = new PushedStream();
        late.resolve(stream);
        await stalled.settle();
        expect(stream.returned).toBe(true);
        expect(stream.asked).toBe(0);
      });

      test('starts it at once when an upstream stalls before its first chunk', async () => {
        const race = new StreamRace({ a: { stream: { firstChunk: '2s' } }, b: { start: 'after-failure' } });
        await race.start();
        race.of('a').push('');
        await jest.advanceTimersByTimeAsync(2_000);
        expect(race.eventOf('sub-task.failed').data.error).toMatchObject({ code: 'stream-stalled' });
        expect(race.of('b').asked).toBe(1);
      });
    });

    describe('that breaks off', () => {
      const held = { a: { retry: { attempts: 2, delay: '0ms' } }, b: { start: 'after-failure' } } as const;
      const broken = async (onBreak: OnBreak, racers: Readonly<Record<string, Racer>> = held) => {
        const race = new StreamRace(racers, { onBreak, losers: 'continue' });
        const run = await race.start();
        race.of('a').push('half');
        await race.settle();
        race.of('a').fail(new Error('reset'));
        await jest.advanceTimersByTimeAsync(0);
        await race.settle();
        return { race, run };
      };

      test('fails its run, without another attempt or sub-task', async () => {
        const { race, run } = await broken('fail');
        expect(race.told).toEqual(['a1 0: half', 'b skipped', 'a failed', 'run-failed', 'failed']);
        await expect(race.runtime.tasks.reply(run)).rejects.toMatchObject({
          code: 'run-failed',
          message: 'The stream of a broke off when callers had been shown some of it',
          details: { failures: [{ subTask: 'a' }] },
        });
      });

      test.each<[string, string, RunRequest]>([
        ['was cancelled when callers had been shown some of it', 'run-cancelled', {}],
        ['had not ended by the deadline of the run', 'deadline-exceeded', { deadline: '5s' }],
      ])('by no fault of its own says that it %s', async (what, code, request) => {
        const race = new StreamRace({ a: {} });
        const run = await race.start(request);
        race.of('a').push('half');
        await race.settle();
        const reply = expect(race.runtime.tasks.reply(run)).rejects.toMatchObject({
          code,
          message: `The stream of a ${what}`,
        });
        if (code === 'run-cancelled') race.runtime.runs.get(run.runId)?.cancel('asked for');
        else await jest.advanceTimersByTimeAsync(5_000);
        await race.settle();
        await reply;
      });

      test('fails its run although another goes on', async () => {
        const { race } = await broken('fail', { a: {}, b: {} });
        expect(race.told).toEqual(['a1 0: half', 'a failed', 'run-failed']);
      });

      test('is tried again from scratch where it may restart', async () => {
        const { race } = await broken('restart');
        expect(race.told).toEqual(['a1 0: half', 'a retrying']);
        race.of('a', 2).push('whole').end();
        await race.settle();
        expect(race.told.slice(2)).toEqual([
          'a2 0: whole',
          'a succeeded',
          'a replied "whole"',
          'b skipped',
          'succeeded',
        ]);
      });

      test('is told anew by an attempt that ends before it is on record that it broke off', async () => {
        const race = new StreamRace(held, { onBreak: 'restart' });
        await race.start();
        race.of('a').push('half');
        await race.settle();
        race.of('a', 2).push('whole').end();
        const commit = race.delayCommits();
        race.of('a').fail(new Error('reset'));
        await jest.advanceTimersByTimeAsync(0);
        await new Promise((resolve) => setImmediate(resolve));
        commit();
        await race.settle();
        expect(race.told).toEqual([
          'a1 0: half',
          'a retrying',
          'a2 0: whole',
          'a succeeded',
          'a replied "whole"',
          'b skipped',
          'succeeded',
        ]);
      });

      test('is told anew no sooner than it is on record that it broke off: a stream that had ended may answer', async () => {
        const race = new StreamRace({ ...held, b: {} }, { onBreak: 'restart', losers: 'continue' });
        await race.start();
        race.of('a').push('half');
        await race.settle();
        race.of('b').push('other').end();
        race.of('a', 2).push('anew');
        await race.settle();
        const commit = race.delayCommits();
        race.of('a').fail(new Error('reset'));
        await jest.advanceTimersByTimeAsync(0);
        await new Promise((resolve) => setImmediate(resolve));
        commit();
        await race.settle();
        expect(race.of('a', 2).asked).toBe(2);
        expect(race.told).toEqual(['a1 0: half', 'b succeeded', 'a retrying', 'b replied "other"']);
      });

      test('lets the next start where it may restart and no attempt follows', async () => {
        const { race } = await broken('restart', { a: {}, b: { start: 'after-failure' } });
        expect(race.told).toEqual(['a1 0: half', 'a failed']);
        race.of('b').push('b').end();
        await race.settle();
        expect(race.told.slice(2)).toEqual(['b1 0: b', 'b succeeded', 'b replied "b"', 'partly-failed']);
      });

      test('lets one lead that goes on, from its beginning, where it may restart', async () => {
        const race = new StreamRace({ a: {}, b: {} }, { onBreak: 'restart', losers: 'continue' });
        await race.start();
        race.of('a').push('half');
        await race.settle();
        race.of('b').push('b', 'c');
        await race.settle();
        race.of('a').fail(new Error('reset'));
        await race.settle();
        expect(race.told).toEqual(['a1 0: half', 'a failed', 'b1 0: b|c']);
        race.of('b').push('d').end();
        await race.settle();
        expect(race.told.slice(3)).toEqual(['b1 2: d', 'b succeeded', 'b replied "bcd"', 'partly-failed']);
      });

      test('breaks off when no chunk comes for too long', async () => {
        const race = new StreamRace({ a: { stream: { idle: '3s' } } });
        await race.start();
        race.of('a').push('a');
        await jest.advanceTimersByTimeAsync(2_000);
        race.of('a').push('b');
        await jest.advanceTimersByTimeAsync(2_999);
        expect(race.told).toEqual(['a1 0: a', 'a1 1: b']);
        await jest.advanceTimersByTimeAsync(1);
        expect(race.told.at(-1)).toBe('failed');
        expect(race.eventOf('sub-task.failed').data.error).toMatchObject({
          code: 'stream-stalled',
          message: 'No chunk came for 3000 ms',
        });
        expect(race.signals.a!.reason).toMatchObject({ name: 'TimeoutError' });
      });
    });

    describe('whose commits are late', () => {
      /** `a+`: the stream of a brings a chunk; `a!`: it breaks off; `a.`: it ends; `2`: two more events are committed. */
      const step = fc.constantFrom(...'a+ a+ a+ a! a! a. b+ b+ b+ b! b! b. 1 1 2 2 3 3 4 4'.split(' '));
      /** Steps that once left out chunks. */
      const examples = [
        // An attempt before, and then another sub-task, is on record when all has been told again.
        'b+ a+ b! a+ a! 1 a+ a+ 1 a+ a+ 1 1 a+ a+',
        // One that had lost ends before what it had told is on record, and the other breaks off.
        'a! a+ a! b+ a+ 3 a+ b+ b. 1 a+ a+ 1',
        // One that has told all again ends when its first record is there and the second isn’t.
        'b+ b! b+ a+ b! 2 2 1 a+ a.',
      ].map((steps): [string[]] => [steps.split(' ')]);

      test.each([
        ['fail', 'continue'],
        ['fail', 'cancel'],
        ['restart', 'continue'],
        ['restart', 'cancel'],
      ] as const)('is shown whole where a break means %s, and losers %s', async (onBreak, losers) => {
        const retry = { attempts: 4, delay: '0ms' } as const;
        const turn = async () => {
          await jest.advanceTimersByTimeAsync(0);
          await new Promise((resolve) => setImmediate(resolve));
        };
        const property = fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 40 }), async (steps) => {
          const race = new StreamRace({ a: { retry }, b: { retry } }, { onBreak, losers });
          await race.start();
          const commit = race.delayCommits();
          for (const [at, [name = '', what]] of steps.entries()) {
            if (what === undefined) commit(Number(name));
            else {
              const stream = race.of(name, race.attempts[name]);
              if (what === '+') stream.push(`${at};`);
              else if (what === '!') stream.fail(new Error('reset'));
              else stream.end();
            }
            await turn();
          }
          commit();
          await race.settle();
          while (race.runtime.runs.counts.active > 0)
            for (const name of ['a', 'b']) {
              race.of(name, race.attempts[name]).push('last').end();
              await turn();
              await race.settle();
            }
          const { chunks, reply } = shownOf(race);
          expect(chunks).toBe(reply);
        });
        await fc.assert(property, { numRuns: 200, examples });
      });
    });

    test('makes its upstream wait while a caller takes no more, and counts that time as no stall', async () => {
      const race = new StreamRace({ a: { stream: { idle: '3s' } } });
      const { runId } = await race.start();
      race.of('a').push('a');
      await race.settle();
      const run = race.runtime.runs.get(runId)!;
      run.holdStream(1);
      race.of('a').push('b');
      await race.settle();
      const { asked } = race.of('a');
      race.of('a').push('c', 'd');
      await jest.advanceTimersByTimeAsync(10_000);
      expect(race.of('a').asked).toBe(asked);
      run.holdStream(-1);
      race.of('a').end();
      await race.settle();
      expect(race.told.at(-2)).toBe('a replied "abcd"');
    });

    test('ends a stream that is longer than a result may be', async () => {
      const race = new StreamRace({ a: {} }, {}, { MAX_RESULT_BYTES: '1000' });
      await race.start();
      for (let count = 0; count < 11; count += 1) race.of('a').push('x'.repeat(100));
      await race.settle();
      expect(race.eventOf('sub-task.failed').data.error.code).toBe('result-too-large');
      expect(race.of('a').returned).toBe(true);
    });

    test('counts what it keeps, and no more of it when it has ended', async () => {
      const memory = new MemoryBudget();
      const race = new StreamRace({ a: {}, b: {} }, { memory });
      await race.start();
      const before = memory.used;
      race.of('a').push('x'.repeat(1_000));
      await race.settle();
      expect(memory.used - before).toBeGreaterThan(2_000);
      race.of('a').end();
      await race.settle();
      expect(memory.used).toBe(0);
    });

    test('takes an Observable, whose error comes behind its chunks', async () => {
      const chunks = new Observable((subscriber) => {
        subscriber.next('a');
        subscriber.next('b');
        subscriber.error(new Error('reset'));
      });
      const runtime = createRuntime([{ name: 'a', stream: true, run: () => chunks }]);
      await expect(runtime.run()).rejects.toMatchObject({ code: 'run-failed' });
      const streamed = runtime.events.filter((event) => event.type === 'sub-task.streamed');
      expect(streamed.flatMap(({ data }) => data.chunks)).toEqual(['a', 'b']);
      const whole = createRuntime([{ name: 'a', stream: true, run: () => Promise.resolve(of('a', 'b')) }]);
      expect(await whole.run()).toMatchObject({ result: 'ab' });
    });

    test('names the mend where a sub-task returns no stream', async () => {
      const runtime = createRuntime([{ name: 'a', stream: true, run: () => 'text' }]);
      await expect(runtime.run()).rejects.toMatchObject({
        details: { failures: [{ message: expect.stringContaining('take stream out') }] },
      });
    });

    test.each(['all', 'quorum'] as const)('records no chunks under %s, but their results', async (policy) => {
      const race = new StreamRace({ a: {}, b: {} }, { losers: 'continue' });
      const run = await race.start({ reply: policy === 'all' ? { policy } : { policy, quorum: 2 } });
      race.of('a').push('a').end();
      race.of('b').push('b').end();
      await race.settle();
      expect(race.told.filter((line) => line.includes(': '))).toEqual([]);
      expect(await race.runtime.tasks.reply(run)).toMatchObject({ result: { a: 'a', b: 'b' } });
    });

    test('under primary is won by the primary alone', async () => {
      const race = new StreamRace({ a: {}, b: {} }, { losers: 'continue' });
      await race.start({ reply: { policy: 'primary', primary: 'b' } });
      race.of('a').push('a');
      await race.settle();
      race.of('b').push('b');
      await race.settle();
      expect(race.told).toEqual(['b1 0: b']);
    });
  });

  describe('a race of streams that another process began', () => {
    const resumed = async (past: PastRun, options: RuntimeOptions = {}) => {
      const race = new StreamRace({ a: {}, b: {} }, options);
      await race.runtime.resume(past);
      await race.settle();
      return race;
    };
    const past = (more = {}) =>
      new PastRun('task', ['a', 'b'], { losers: 'cancel', ...more }).started('a', 'b');

    test('begins anew where nothing had ended, and the first chunk decides again', async () => {
      const race = await resumed(past().streamed('a', 0, 'old'));
      race.of('b', 2).push('new').end();
      await race.settle();
      expect(race.told).toEqual(['b2 0: new', 'a cancelled', 'b succeeded', 'b replied "new"', 'succeeded']);
    });

    test('replies with the stream that led and had ended', async () => {
      const race = await resumed(past().streamed('a', 0, 'x').succeeded('b', 'b').succeeded('a', 'x'));
      expect(race.told).toEqual(['a replied "x"', 'succeeded']);
    });

    test('fails where the stream that led had broken off', async () => {
      const race = await resumed(past().streamed('a', 0, 'x').failed('a'));
      expect(race.told[0]).toBe('run-failed');
    });

    test('goes on where the stream that led had broken off and may restart', async () => {
      const race = await resumed(past({ onBreak: 'restart' }).streamed('a', 0, 'x').failed('a'));
      race.of('b', 2).push('b').end();
      await race.settle();
      expect(race.told).toEqual(['b2 0: b', 'b succeeded', 'b replied "b"', 'partly-failed']);
    });
  });
});
