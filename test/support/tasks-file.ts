import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryDirectory } from './temporary-directory.js';

/** Writes tasks files into a directory that goes with the suite; returns the path of each. */
export function tasksFiles(): (yaml: string) => string {
  const directory = temporaryDirectory();
  let count = 0;
  return (yaml) => {
    const path = join(directory, `tasks-${++count}.yaml`);
    writeFileSync(path, yaml);
    return path;
  };
}
