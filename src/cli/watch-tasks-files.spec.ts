import { mkdirSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { temporaryDirectory } from '../../test/support/temporary-directory.js';
import { watchTasksFiles } from './watch-tasks-files.js';

describe('watchTasksFiles', () => {
  const directory = temporaryDirectory();
  const file = join(directory, 'tasks.yaml');
  let stop = (): void => undefined;
  beforeEach(() => {
    jest.useFakeTimers();
  });
  afterEach(() => {
    stop();
    jest.useRealTimers();
  });

  /** @returns how many changes it has told of, after a while */
  function begin(path: string): () => number {
    let count = 0;
    stop = watchTasksFiles([path], () => (count += 1));
    return () => {
      jest.advanceTimersByTime(2_000);
      return count;
    };
  }

  test('tells of a file that is written, put in the place of another, or gone', () => {
    writeFileSync(file, 'one');
    const told = begin(file);
    writeFileSync(file, 'two');
    expect(told()).toBe(1);
    writeFileSync(join(directory, '.new'), 'three');
    renameSync(join(directory, '.new'), file);
    expect(told()).toBe(2);
    rmSync(file);
    expect(told()).toBe(3);
  });

  test('tells of a file that is new in a folder, and of no change that is none', () => {
    writeFileSync(file, 'one');
    const told = begin(directory);
    utimesSync(file, new Date(), new Date());
    writeFileSync(join(directory, 'notes.txt'), 'no tasks');
    expect(told()).toBe(0);
    writeFileSync(join(directory, 'more.yaml'), 'tasks: {}');
    expect(told()).toBe(1);
  });

  test('tells of a file whose folder is made anew, and of one that a link leads to', () => {
    const folder = join(directory, 'folder');
    mkdirSync(folder);
    const target = join(folder, 'target.yaml');
    writeFileSync(target, 'one');
    const link = join(directory, 'link.yaml');
    symlinkSync(target, link);
    const told = begin(link);
    writeFileSync(target, 'two');
    expect(told()).toBe(1);
    rmSync(folder, { recursive: true });
    expect(told()).toBe(2);
    mkdirSync(folder);
    writeFileSync(target, 'three');
    expect(told()).toBe(3);
  });

  test('waits until a file that is written in steps stays as it is, whatever else changes beside it', () => {
    writeFileSync(file, 'one');
    const told = begin(file);
    writeFileSync(file, '');
    jest.advanceTimersByTime(500);
    writeFileSync(file, 'whole');
    for (let step = 0; step < 3; step += 1) {
      writeFileSync(join(directory, 'other.txt'), String(step));
      jest.advanceTimersByTime(500);
    }
    expect(told()).toBe(1);
  });
});
