import { Logger } from '@nestjs/common';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { createRuntime } from '../../test/support/runtime.js';
import type { RunEvent } from '../core/events.js';
import type { SubTaskContext } from '../core/sub-task.js';

describe('progress', () => {
  beforeEach(() => void jest.useFakeTimers());
  afterEach(() => void jest.useRealTimers());

  /** A run of one sub-task, whose end the test decides. */
  async function start(options: { readonly timeout?: number } = {}) {
    const end = Promise.withResolvers<unknown>();
    let context: SubTaskContext | undefined;
    const run = (_input: unknown, given: SubTaskContext) => {
      context = given;
      return end.promise;
    };
    const runtime = createRuntime([{ name: 'a', run, ...options }]);
    const { runId } = await runtime.tasks.start('task');
    await jest.advanceTimersByTimeAsync(0);
    const said = () =>
      runtime.events.flatMap((event) => (event.type === 'sub-task.progressed' ? [event.data.value] : []));
    const types = () => runtime.events.map(({ type }) => type);
    return { ...runtime, ...end, runId, progress: context!.progress, said, types };
  }

  test('is recorded at once, and then the newest value four times a second', async () => {
    const { progress, said, resolve } = await start();
    for (let n = 0; n < 100; n += 1) {
      progress({ n });
      await jest.advanceTimersByTimeAsync(10);
    }
    expect(said()).toEqual([{ n: 0 }, { n: 24 }, { n: 49 }, { n: 74 }, { n: 99 }]);
    await jest.advanceTimersByTimeAsync(10_000);
    expect(said()).toHaveLength(5);
    resolve(1);
    await jest.advanceTimersByTimeAsync(1);
    expect(jest.getTimerCount()).toBe(0);
  });

  test.each(['succeeded', 'failed', 'cancelled', 'timed out'])(
    'is recorded to its last value before the sub-task has %s, and not afterwards',
    async (how) => {
      const { progress, types, said, resolve, reject, control, runId } = await start({ timeout: 100 });
      progress(1);
      progress(2);
      progress(3);
      if (how === 'succeeded') resolve('x');
      else if (how === 'failed') reject(new Error('x'));
      else if (how === 'cancelled') void control.cancel(runId);
      await jest.advanceTimersByTimeAsync(100);
      progress(4);
      await jest.advanceTimersByTimeAsync(1_000);
      expect(said()).toEqual([1, 3]);
      const outcome = how === 'timed out' ? 'failed' : how;
      expect(types().slice(2, 5)).toEqual([
        'sub-task.progressed',
        'sub-task.progressed',
        `sub-task.${outcome}`,
      ]);
      expect(jest.getTimerCount()).toBe(0);
    },
  );

  test('is part of the run: the newest value of the last attempt', async () => {
    const { progress, watch, runId, events, resolve } = await start();
    progress(['one']);
    await jest.advanceTimersByTimeAsync(250);
    progress(['two']);
    await jest.advanceTimersByTimeAsync(0);
    const [subTask] = (await watch.get(runId)).subTasks;
    const last = events.at(-1) as RunEvent<'sub-task.progressed'>;
    expect(subTask).toMatchObject({ status: 'running', progress: { value: ['two'], time: last.time } });
    resolve(1);
    await jest.advanceTimersByTimeAsync(0);
  });

  test('that can’t be kept is logged once, and fails nothing', async () => {
    const { progress, said, resolve } = await start();
    const warn = jest.spyOn(Logger.prototype, 'warn').mockReturnValue(undefined);
    for (const value of ['x'.repeat(2_000), () => 1, 'kept']) {
      progress(value);
      await jest.advanceTimersByTimeAsync(300);
    }
    expect(said()).toEqual(['kept']);
    expect(warn.mock.calls).toEqual([
      [expect.objectContaining({ subTask: 'a', msg: expect.stringContaining('at most 1024') })],
    ]);
    resolve(1);
    await jest.advanceTimersByTimeAsync(0);
    warn.mockRestore();
  });
});
