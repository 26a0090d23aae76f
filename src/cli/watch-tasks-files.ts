import { statSync, watch } from 'node:fs';
import { dirname } from 'node:path';
import { filesAt, readText } from '../tasks-file/file-text.js';
import { textOf } from '../core/thrown.js';

/** Editors write a file in several steps. */
const SETTLE_MS = 100;

/** Calls back when files of tasks, or those in folders of them, have another text than before. @returns what ends it */
export function watchTasksFiles(paths: readonly string[], changed: () => void): () => void {
  let before = textOfAll(paths);
  let timer: NodeJS.Timeout | undefined;
  const compare = () => {
    const now = textOfAll(paths);
    if (now === before) return;
    before = now;
    changed();
  };
  // Of a file its folder is watched: editors put another file in its place.
  const folders = new Set(paths.map((path) => (isFolder(path) ? path : dirname(path))));
  const watchers = [...folders].map((folder) =>
    watch(folder, { persistent: false }, () => {
      clearTimeout(timer);
      timer = setTimeout(compare, SETTLE_MS).unref();
    }).on('error', () => undefined),
  );
  return () => {
    clearTimeout(timer);
    for (const watcher of watchers) watcher.close();
  };
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

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
