import { textOf } from '../core/thrown.js';
import { filesAt, readText } from '../tasks-file/file-text.js';

/**
 * How often files are read, in milliseconds. They are few and small, and reading works everywhere: with links, mounts and recreated
 * folders too.
 */
const EVERY_MS = 500;

/** Calls back when the text of tasks files, or of those in folders, has changed. @returns a function that ends the watch */
export function watchTasksFiles(paths: readonly string[], changed: () => void): () => void {
  let told = textOfAll(paths);
  let last = told;
  const timer = setInterval(() => {
    const now = textOfAll(paths);
    // Editors write a file in several steps. So a change counts once the text is the same twice.
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
