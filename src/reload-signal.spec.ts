import { EventEmitter } from 'node:events';
import { describe, expect, jest, test } from '@jest/globals';
import { listenForReload } from './reload-signal.js';

describe('SIGHUP', () => {
  const process = (platform: NodeJS.Platform = 'linux') => Object.assign(new EventEmitter(), { platform });

  test('reloads each time; one that comes while the service starts, when it has', () => {
    const target = process();
    const onReload = listenForReload(target, () => false);
    target.emit('SIGHUP');
    const reload = jest.fn();
    onReload(reload);
    expect(reload).toHaveBeenCalledTimes(1);
    target.emit('SIGHUP');
    expect(reload).toHaveBeenCalledTimes(2);
  });

  test('stops the service when its terminal is gone, and reloads while that is there', () => {
    const target = process();
    let isThere = true;
    const [reload, stop] = [jest.fn(), jest.fn()];
    listenForReload(target, () => isThere)(reload);
    target.on('SIGTERM', stop);
    target.emit('SIGHUP');
    expect([reload.mock.calls.length, stop.mock.calls.length]).toEqual([1, 0]);
    isThere = false;
    target.emit('SIGHUP');
    expect([reload.mock.calls.length, stop.mock.calls.length]).toEqual([1, 1]);
  });

  test('is left to the system on Windows, where it means that the console is closed', () => {
    const target = process('win32');
    listenForReload(target, () => false)(() => undefined);
    expect(target.listenerCount('SIGHUP')).toBe(0);
  });
});
