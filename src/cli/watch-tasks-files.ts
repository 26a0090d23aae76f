import { textOf } from '../core/thrown.js';
import { filesAt, readText } from '../tasks-file/file-text.js';

/** How often files are read: few and small, and so seen wherever they are, also behind links, mounts and folders that are made anew. */
const EVERY_MS = 500;

/** Calls back when files of tasks, or those in folders of them, have another text than before. @returns what ends it */
export function watchTasksFiles(paths: readonly string[], changed: () => void): () => void {
  let told = textOfAll(paths);
  let last = told;
  const timer = setInterval(() => {
    const now = textOfAll(paths);
    // Editors write a file in several steps: it counts once it is the same twice.
    const isSettled = now === last;
    last = now;
    if (!isSettled || now === told) return;
    told = now;
    changed();
  }, EVERY_MS).unref();
  return () => clearInterval(timer);
}

function textOfAll(paths: readonly string[]): string {
  const texts = paths.flatMap(filesAt).map((file) => [file, textAt(file)]);
  return JSON.stringify(texts);
}

function textAt(file: string): string {
  try {
    return readText(file);
  } catch (error) {
    return textOf(error);
  }
}
