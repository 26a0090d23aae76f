import { renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { temporaryDirectory } from '../../test/support/temporary-directory.js';
import { watchTasksFiles } from './watch-tasks-files.js';

describe('watchTasksFiles', () => {
  const directory = temporaryDirectory();
  const file = join(directory, 'tasks.yaml');
  let stop = (): void => undefined;
  afterEach(() => stop());

  function begin(path: string) {
    let count = 0;
    let told = (): void => undefined;
    stop = watchTasksFiles([path], () => {
      count += 1;
      told();
    });
    return { next: () => new Promise<void>((resolve) => (told = resolve)), count: () => count };
  }

  test('tells of a file that is written, put in the place of another, or gone', async () => {
    writeFileSync(file, 'one');
    const { next, count } = begin(file);
    const written = next();
    writeFileSync(file, 'two');
    await written;
    const replaced = next();
    writeFileSync(join(directory, '.new'), 'three');
    renameSync(join(directory, '.new'), file);
    await replaced;
    const gone = next();
    rmSync(file);
    await gone;
    expect(count()).toBe(3);
  });

  test('tells of a file that is new in a folder, and of no change that is none', async () => {
    writeFileSync(file, 'one');
    const { next, count } = begin(directory);
    utimesSync(file, new Date(), new Date());
    writeFileSync(join(directory, 'notes.txt'), 'no tasks');
    const added = next();
    writeFileSync(join(directory, 'more.yaml'), 'tasks: {}');
    await added;
    expect(count()).toBe(1);
  });
});
