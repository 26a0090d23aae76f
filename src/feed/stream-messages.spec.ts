import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { EventType, RunEvent } from '../core/events.js';
import type { ReplyPolicy } from '../core/policies.js';
import { StreamMessages, type StreamMessage } from './stream-messages.js';

const ERROR = { code: 'run-failed', message: 'none succeeded', failures: [] } as const;
const FAILED = { error: { code: 'threw', message: 'broke off' }, durationMs: 1 };

/** The log of one run, which other runs share. */
class Log {
  readonly events: RunEvent[] = [];

  constructor(replyPolicy: ReplyPolicy = { policy: 'first-success' }, terms: { onBreak?: 'restart' } = {}) {
    this.add('run.started', { input: null, replyPolicy, losers: 'cancel', subTasks: ['a', 'b'], ...terms });
  }

  started(subTask: string, attempt = 1): this {
    return this.add('sub-task.started', {}, subTask, attempt);
  }

  streamed(subTask: string, first: number, chunks: string[], attempt = 1): this {
    return this.add('sub-task.streamed', { first, chunks }, subTask, attempt);
  }

  failed(subTask: string, attempt = 1): this {
    return this.add('sub-task.failed', FAILED, subTask, attempt);
  }

  retrying(subTask: string, attempt = 1): this {
    return this.add('sub-task.retrying', { ...FAILED, delayMs: 0, dueAt: '' }, subTask, attempt);
  }

  replied(reply: object): this {
    return this.add('run.replied', { reply, status: 'running', background: [] });
  }

  add(type: EventType, data: object, subTask?: string, attempt?: number): this {
    const id = 1 + 2 * this.events.length;
    const about = { id, type, time: '', runId: 'run', task: 'task', data };
    this.events.push({ ...about, ...(subTask !== undefined && { subTask, attempt }) } as RunEvent);
    return this;
  }

  told(after = 0): StreamMessage[] {
    const messages = new StreamMessages(after);
    return this.events.flatMap((event) => messages.of(event));
  }

  /** In words: `a1@3: x y` has the chunks from 3 of the first attempt of a. */
  get said(): string[] {
    return this.told().map((message) => {
      if (message.event === 'reply') return 'reply' + ('error' in message.decision.reply ? ': error' : '');
      const whose = message.subTask + String(message.attempt);
      if (message.event === 'restart') return `restart ${whose}`;
      return `${whose}@${message.first}: ${message.chunks.map(String).join(' ')}`;
    });
  }
}

const mayRestart = () => new Log(undefined, { onBreak: 'restart' });

describe('what readers of a stream are told', () => {
  test('is the chunks of whoever is first on record, and the reply', () => {
    const log = new Log()
      .started('a')
      .started('b')
      .streamed('b', 0, ['x', 'y'])
      .streamed('a', 0, ['other'])
      .streamed('b', 2, ['z'])
      .replied({ answeredBy: 'b', result: 'xyz' });
    expect(log.said).toEqual(['b1@0: x y', 'b1@2: z', 'reply']);
    expect(log.told().map((message) => 'id' in message && message.id)).toEqual([7, 11, 13]);
  });

  test('begins anew with another attempt when a stream breaks off', () => {
    const log = new Log().started('a').streamed('a', 0, ['x']).retrying('a').started('a', 2);
    log.streamed('a', 0, ['x'], 2).streamed('a', 1, ['y'], 2);
    expect(log.said).toEqual(['a1@0: x', 'restart a2', 'a2@0: x', 'a2@1: y']);
  });

  test('begins anew with another sub-task, which tells all its chunks again', () => {
    const log = mayRestart().streamed('a', 0, ['x']).streamed('b', 0, ['1']).failed('a');
    log.streamed('b', 0, ['1', '2']).streamed('b', 2, ['3']);
    expect(log.said).toEqual(['a1@0: x', 'restart b1', 'b1@0: 1 2', 'b1@2: 3']);
  });

  test('has none but the one that broke off, where none may take its place', () => {
    const log = new Log().streamed('a', 0, ['x']).streamed('b', 0, ['1']).failed('a').streamed('b', 0, ['1']);
    expect(log.said).toEqual(['a1@0: x']);
  });

  test('is void where the reply is by one that had ended before the lead broke off', () => {
    const log = mayRestart().started('a').started('b').streamed('a', 0, ['x']).failed('a');
    log.replied({ answeredBy: 'b', result: 'y' });
    expect(log.said).toEqual(['a1@0: x', 'restart b1', 'reply']);
  });

  test('begins anew after a crash, of which the log has but that the next attempt began', () => {
    const log = new Log().started('a').streamed('a', 0, ['x']).started('a', 2).streamed('a', 0, ['y'], 2);
    expect(log.said).toEqual(['a1@0: x', 'restart a2', 'a2@0: y']);
  });

  test('has no chunk of a broken stream, nor of an attempt before', () => {
    const log = mayRestart()
      .streamed('a', 0, ['x'])
      .failed('a')
      .streamed('a', 1, ['y'])
      .streamed('b', 3, ['z']);
    log.started('a', 2).streamed('a', 0, ['1'], 2).streamed('a', 1, ['late'], 1);
    expect(log.said).toEqual(['a1@0: x', 'restart a2', 'a2@0: 1']);
  });

  test('leaves out of a group what was shown', () => {
    const log = new Log().streamed('a', 0, ['x', 'y']).streamed('a', 0, ['x', 'y']);
    log.streamed('a', 1, ['y', 'z']);
    expect(log.said).toEqual(['a1@0: x y', 'a1@2: z']);
  });

  test.each<ReplyPolicy>([
    { policy: 'quorum', quorum: 2 },
    { policy: 'all' },
    { policy: 'primary', primary: 'b' },
  ])('is no chunk of a stream that can’t be the reply: %j', (policy) => {
    const log = new Log(policy).streamed('a', 0, ['x']).replied({ answeredBy: ['a', 'b'], result: {} });
    expect(log.said).toEqual(['reply']);
  });

  test('ends with a result, whatever goes on', () => {
    const log = new Log().replied({ answeredBy: 'b', result: 1 }).streamed('a', 0, ['x']);
    log.failed('a').retrying('a').started('a', 2).streamed('a', 0, ['x'], 2).replied({ error: ERROR });
    expect(log.said).toEqual(['reply']);
  });

  test('ends with an error, and goes on when a sub-task that had failed is retried on request', () => {
    const log = new Log().started('a').started('b').failed('a').replied({ error: ERROR });
    log.streamed('b', 0, ['not asked for']).retrying('b').started('b', 2);
    expect(log.said).toEqual(['reply: error']);
    log.add('run.finished', { status: 'failed' }).add('run.reopened', {}).retrying('a').started('a', 2);
    log.streamed('a', 0, ['x'], 2).replied({ answeredBy: 'a', result: 'x' });
    expect(log.said).toEqual(['reply: error', 'a2@0: x', 'reply']);
  });

  test('is over with the reply, with the end, and not while a retry goes on', () => {
    const log = new Log().failed('a').replied({ error: ERROR }).retrying('a');
    log.add('run.finished', { status: 'failed' }).add('run.reopened', {}).retrying('a');
    const messages = new StreamMessages();
    const over = log.events.map((event) => {
      messages.of(event);
      return messages.over;
    });
    expect(over).toEqual([false, false, true, false, true, true, true]);
  });

  describe('of any log', () => {
    const steps = fc.array(
      fc.record({
        what: fc.constantFrom('stream', 'stream', 'stream', 'again', 'fail', 'crash', 'retry'),
        subTask: fc.constantFrom('a', 'b'),
        count: fc.integer({ min: 1, max: 3 }),
      }),
      { maxLength: 40 },
    );

    /** A log as runs write it: each stream in order, or again from its beginning. */
    const logs = steps.map((list) => {
      const log = new Log();
      const streams = { a: { attempt: 1, told: 0 }, b: { attempt: 1, told: 0 } };
      for (const { what, subTask, count } of list) {
        const stream = streams[subTask as 'a'];
        const chunks = (from: number) =>
          Array.from({ length: stream.told - from }, (_, n) => `${subTask}${stream.attempt}.${from + n}`);
        if (what === 'stream' || what === 'again') {
          const from = what === 'again' ? 0 : stream.told;
          stream.told += count;
          log.streamed(subTask, from, chunks(from), stream.attempt);
          continue;
        }
        if (what === 'fail') log.failed(subTask, stream.attempt);
        if (what !== 'crash') log.retrying(subTask, stream.attempt);
        stream.attempt += 1;
        stream.told = 0;
        log.started(subTask, stream.attempt);
      }
      return log.replied({ answeredBy: 'a', result: null });
    });

    test('who reads on behind any message is told exactly the rest', () => {
      fc.assert(
        fc.property(logs, (log) => {
          const all = log.told();
          all.forEach((message, index) => {
            if ('id' in message) expect(log.told(message.id)).toEqual(all.slice(index + 1));
          });
        }),
      );
    });

    test('chunks follow one another from 0 between restarts, each as the stream had it', () => {
      fc.assert(
        fc.property(logs, (log) => {
          let shown = 0;
          for (const message of log.told()) {
            if (message.event === 'restart') shown = 0;
            if (message.event !== 'chunk') continue;
            expect(message.first).toBe(shown);
            for (const chunk of message.chunks)
              expect(chunk).toBe(`${message.subTask}${message.attempt}.${shown++}`);
          }
        }),
      );
    });
  });
});
