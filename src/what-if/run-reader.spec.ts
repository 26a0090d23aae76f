import { beforeEach, describe, expect, test } from '@jest/globals';
import { definition } from '../../test/support/statistics.js';
import { ToldLog } from '../../test/support/told-log.js';
import type { ReplyPolicy } from '../core/policies.js';
import { NOT_WORTH_IT, PAST_DEADLINE, WHEN_FALSE } from '../core/run.js';
import { RunReader } from './run-reader.js';

const at = Date.UTC(2026, 0, 1, 12);

describe('the events of runs', () => {
  let log: ToldLog;
  beforeEach(() => {
    log = new ToldLog();
  });

  const read = (task = definition()) => {
    const reader = new RunReader(task);
    const runs = log.events.flatMap((event) => reader.read(event) ?? []);
    return { runs, leftOut: reader.leftOut };
  };

  test('make a run of those that race, whatever becomes of shadows', () => {
    const task = definition(undefined, ['a', 'b', 's'], { shadows: new Map([['s', { sample: '5%' }]]) });
    const subTasks = ['a', 'b', 's'];
    log
      .run({ at, subTasks, shadows: ['s'] })
      .started(0, 'a')
      .started(0, 's')
      .failed(2, 's')
      .succeeded(5, 'a')
      .replied(6, 'a')
      .skipped(6, 'b')
      .finished(6);
    const { runs, leftOut } = read(task);
    expect(leftOut).toBe(0);
    expect(runs).toMatchObject([
      {
        waitMs: 6,
        overheadMs: 1,
        subTasks: [
          { name: 'a', end: { ms: 5 } },
          { name: 'b', began: false },
        ],
      },
    ]);
    expect(runs[0]!.subTasks).toHaveLength(2);
  });

  test('make none of a run that was cancelled, nor of one that is erased meanwhile', () => {
    log
      .run({ at })
      .started(0, 'a')
      .cancelled(5, 'a')
      .defeated(5, 'run-cancelled')
      .skipped(5, 'b')
      .finished(5, 'cancelled');
    log.run({ at }).started(0, 'a').erased(9);
    expect(read()).toEqual({ runs: [], leftOut: 2 });
  });

  test('tell how much later than its deadline a reply was', () => {
    const reply: ReplyPolicy = { policy: 'deadline', deadline: '150ms' };
    log
      .run({ at, reply })
      .started(0, 'a')
      .started(0, 'b')
      .succeeded(20, 'a')
      .replied(152, ['a'])
      .succeeded(300, 'b')
      .finished(300);
    expect(read(definition(reply)).runs).toMatchObject([{ waitMs: 152, overheadMs: 2 }]);
  });

  test('tell how long each waited for its slot: from its run, its time, or what called for it', () => {
    const names = ['a', 'b', 'c', 'd'];
    log
      .run({ at, subTasks: names })
      .started(3, 'a')
      .started(5, 'b', { trigger: 'exploration' })
      .started(25, 'c', { trigger: 'delay', delayMs: 19.2 })
      .failed(40, 'a')
      .started(44, 'd', { trigger: 'failure' })
      .succeeded(50, 'b')
      .replied(50, 'b')
      .cancelled(50, 'c')
      .cancelled(50, 'd')
      .finished(50);
    const [run] = read(definition(undefined, names)).runs;
    expect(run!.subTasks.map(({ lagMs }) => lagMs)).toEqual([3, 5, 5, 4]);
    expect(run!.extraStarts).toBe(2);
  });

  test('tell when the first chunk of a stream came, also of a later attempt, and how much later it was shown', () => {
    log
      .run({ at })
      .started(0, 'a')
      .retrying(100, 'a')
      .started(150, 'a')
      .succeeded(900, 'a', 1, { chunks: 2, bytes: 2, firstChunkMs: 50 })
      .replied(900, 'a', 900, 202)
      .skipped(900, 'b')
      .finished(900);
    expect(read().runs).toMatchObject([{ waitMs: 202, overheadMs: 2, subTasks: [{ end: { ms: 200 } }, {}] }]);
  });

  test('tell what was agreed on, by which results are compared', () => {
    const reply: ReplyPolicy = { policy: 'agreement', agreement: 2, ignore: ['/at'] };
    log
      .run({ at, reply })
      .started(0, 'a')
      .started(0, 'b')
      .succeeded(5, 'a', { price: 1, at: 1 })
      .succeeded(6, 'b', { price: 1, at: 2 })
      .replied(6, ['a', 'b'], 6, undefined, { price: 1, at: 1 })
      .finished(6);
    const [run] = read(definition(reply)).runs;
    expect(run!.agreedOn).toEqual(expect.any(String));
    expect(run!.subTasks.map(({ end }) => end!.says)).toEqual([run!.agreedOn, run!.agreedOn]);
  });

  test.each([
    [NOT_WORTH_IT, 'may begin under another rule', undefined],
    [PAST_DEADLINE, 'may begin under another rule', undefined],
    [WHEN_FALSE, 'never begins', WHEN_FALSE],
  ])('say that one that was skipped because %s %s', (reason, _may, barred) => {
    log.run({ at }).started(0, 'a').skipped(5, 'b', reason).failed(5, 'a').defeated(5).finished(5, 'failed');
    log.run({ at }).started(0, 'a').succeeded(5, 'a').replied(5, 'a').skipped(5, 'b').finished(5);
    const { runs } = read();
    expect(runs.map(({ subTasks }) => subTasks[1]!.barred)).toEqual([barred, undefined]);
  });
});
