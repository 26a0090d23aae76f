import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { useFakeClock } from '../../test/support/fake-clock.js';
import { createRuntime } from '../../test/support/runtime.js';

const never = () => new Promise(() => undefined);

describe('a sub-task that is held', () => {
  beforeEach(() => {
    useFakeClock();
  });
  afterEach(() => void jest.useRealTimers());

  const runtimeOf = (maxQueuedRuns: number, failure?: Promise<unknown>) =>
    createRuntime(
      [
        { name: 'a', run: (input) => (input === 'fail' ? failure : never()) },
        { name: 'b', start: 'after-failure', run: never },
      ],
      { MAX_CONCURRENT_SUB_TASKS: '2', MAX_QUEUED_RUNS: String(maxQueuedRuns) },
    );
  const begin = async (runtime: ReturnType<typeof runtimeOf>, input: string): Promise<unknown> => {
    const refused = runtime.run({ input }).catch((error: unknown) => error);
    await jest.advanceTimersByTimeAsync(0);
    return Promise.race([refused, Promise.resolve('accepted')]);
  };
  const begun = ({ events }: ReturnType<typeof runtimeOf>) =>
    events.flatMap((event) => (event.type === 'sub-task.started' ? [event.subTask] : []));

  test('takes no slot, and its run doesn’t count among those that wait for one', async () => {
    const runtime = runtimeOf(1);
    for (let n = 0; n < 3; n += 1) expect(await begin(runtime, 'go')).toBe('accepted');
    expect(begun(runtime)).toEqual(['a', 'a']);
    expect(await begin(runtime, 'go')).toMatchObject({ code: 'overloaded' });
  });

  test('waits for a slot once it is started, and its run counts among those that do', async () => {
    const gate = Promise.withResolvers();
    const runtime = runtimeOf(2, gate.promise);
    for (const input of ['go', 'fail', 'go']) expect(await begin(runtime, input)).toBe('accepted');
    gate.reject(new Error('no'));
    await jest.advanceTimersByTimeAsync(0);
    expect(begun(runtime)).toEqual(['a', 'a', 'a']);
    expect(await begin(runtime, 'go')).toBe('accepted');
    expect(await begin(runtime, 'go')).toMatchObject({ code: 'overloaded' });
    runtime.runs.get(runtime.events[0]!.runId)?.cancel('makes room');
    await jest.advanceTimersByTimeAsync(0);
    expect(begun(runtime)).toEqual(['a', 'a', 'a', 'b']);
  });

  test('is unfinished, and started only once', async () => {
    const runtime = runtimeOf(1);
    await begin(runtime, 'go');
    const [a, b] = runtime.runs.get(runtime.events[0]!.runId)!.subTasks;
    expect([a!.phase, b!.phase, b!.isHere]).toEqual(['running', 'held', true]);
    b!.start({ trigger: 'need' });
    b!.start({ trigger: 'need' });
    await jest.advanceTimersByTimeAsync(0);
    expect(b!.phase).toBe('running');
    expect(begun(runtime)).toEqual(['a', 'b']);
  });
});
