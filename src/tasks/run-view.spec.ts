import { beforeEach, describe, expect, test } from '@jest/globals';
import { ToldLog, type ToldRun } from '../../test/support/told-log.js';
import { runOf } from '../core/run-record.js';
import { runView } from './run-view.js';

describe('what callers are shown of a run that streams', () => {
  let log: ToldLog;
  let run: ToldRun;
  beforeEach(() => {
    log = new ToldLog();
    run = log.run({ at: 0, onBreak: 'restart' }).started(0, 'a').started(0, 'b');
  });

  const shown = () => {
    const { lead, subTasks } = runView(runOf(log.events));
    return { lead, streams: subTasks.map(({ stream }) => stream) };
  };

  test('is whose stream they see, and whether it has broken off', () => {
    expect(runView(runOf(log.events))).not.toHaveProperty('lead');
    run.streamed(1, 'b', ['x']);
    expect(shown().lead).toEqual({ subTask: 'b', attempt: 1 });
    run.retrying(2, 'b');
    expect(shown().lead).toEqual({ subTask: 'b', attempt: 1, broken: true });
    run.streamed(3, 'a', ['y']);
    expect(shown().lead).toEqual({ subTask: 'a', attempt: 1 });
  });

  test('is what the stream of the last attempt of each sub-task had brought at its end', () => {
    run.retrying(2, 'b', { chunks: 1, bytes: 4 });
    expect(shown().streams).toEqual([undefined, { chunks: 1, bytes: 4 }]);
    run.started(3, 'b');
    expect(shown().streams).toEqual([undefined, undefined]);
    run.cancelled(4, 'a', { chunks: 9, bytes: 40, firstChunkMs: 1 });
    run.succeeded(5, 'b', 'x', { chunks: 3, bytes: 8, firstChunkMs: 2, tokens: 5 });
    expect(shown().streams).toEqual([
      { chunks: 9, bytes: 40, firstChunkMs: 1 },
      { chunks: 3, bytes: 8, firstChunkMs: 2, tokens: 5 },
    ]);
  });
});
