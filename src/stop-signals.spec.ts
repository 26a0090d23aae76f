import { EventEmitter } from 'node:events';
import { describe, expect, jest, test } from '@jest/globals';
import { endAtStopSignals } from './stop-signals.js';

describe('a start', () => {
  const start = () => Object.assign(new EventEmitter(), { exit: jest.fn<typeof process.exit>() });

  test.each(['SIGTERM', 'SIGINT'])('ends as a clean stop when %s comes before it is over', (signal) => {
    const target = start();
    endAtStopSignals(target);
    target.emit(signal);
    expect(target.exit.mock.calls).toEqual([[0]]);
  });

  test.each(['SIGTERM', 'SIGINT'])('ends no more at %s when it is over', (signal) => {
    const target = start();
    endAtStopSignals(target)();
    expect(target.emit(signal)).toBe(false);
    expect(target.exit).not.toHaveBeenCalled();
  });
});
