import { beforeEach, describe, expect, test } from '@jest/globals';
import { ToldLog, type ToldRun } from '../../test/support/told-log.js';
import { EventLines } from './event-lines.js';

describe('lines of events', () => {
  let log: ToldLog;
  let run: ToldRun;
  beforeEach(() => {
    log = new ToldLog();
    run = log.run({ at: 0 }).started(0, 'a').started(0, 'b');
  });

  /** The lines without the time and the names of the run and the task. */
  const lines = () => {
    const of = new EventLines();
    return log.events.flatMap((event) => of.of(event)?.split(' ').slice(3).join(' ') ?? []);
  };

  test('tell of the chunks of a stream once a second, and of each beginning at once', () => {
    run
      .streamed(10, 'a', ['x'])
      .progressed(15, 'a', 1)
      .streamed(20, 'a', ['y'], 1)
      .streamed(1_009, 'a', ['z'], 2);
    run.streamed(1_010, 'a', ['!'], 3).streamed(1_011, 'a', ['?'], 4).streamed(1_012, 'b', ['v']);
    run.retrying(1_020, 'a').started(1_021, 'a').streamed(1_022, 'a', ['w']).succeeded(1_030, 'a', 'w');
    expect(lines().slice(3)).toEqual([
      'a streamed 1 chunk: x',
      'a progressed: 1',
      'a streamed 4 chunks: !',
      'b streamed 1 chunk: v',
      'a failed, the next attempt is due in 0 ms: failed',
      'a started, attempt 2',
      'a streamed 1 chunk: w',
      'a succeeded in 1.03 s: "w"',
    ]);
  });

  test('tell of all other events, each by itself', () => {
    run.succeeded(1, 'a').replied(1, 'a').skipped(1, 'b').finished(1);
    expect(lines()).toHaveLength(log.events.length);
  });
});
