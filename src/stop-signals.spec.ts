import { EventEmitter } from 'node:events';
import { describe, expect, jest, test } from '@jest/globals';
import { listenForStop } from './stop-signals.js';

describe.each(['SIGTERM', 'SIGINT'])('%s', (signal) => {
  const process = () =>
    Object.assign(new EventEmitter(), { exit: jest.fn<typeof globalThis.process.exit>() });

  test('ends a start at once, as a clean stop', () => {
    const target = process();
    listenForStop(target);
    target.emit(signal);
    expect(target.exit.mock.calls).toEqual([[0]]);
  });

  test('stops the service once it says how, whatever comes after the first, and then ends the process', async () => {
    const target = process();
    const stopped = Promise.withResolvers<undefined>();
    const stop = jest.fn(() => stopped.promise);
    listenForStop(target)(stop);
    for (const each of [signal, 'SIGTERM', 'SIGINT']) target.emit(each);
    expect(stop).toHaveBeenCalledTimes(1);
    expect(target.exit).not.toHaveBeenCalled();
    stopped.resolve(undefined);
    await stopped.promise;
    expect(target.exit.mock.calls).toEqual([[0]]);
  });

  test('ends the process with 1 when the stop fails', async () => {
    const target = process();
    const stop = Promise.reject(new Error('fails'));
    listenForStop(target)(() => stop);
    target.emit(signal);
    await stop.catch(() => undefined);
    expect(target.exit.mock.calls).toEqual([[1]]);
  });
});
