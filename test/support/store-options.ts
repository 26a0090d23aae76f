import { randomUUID } from 'node:crypto';
import { closeSync, openSync } from 'node:fs';
import { fileAt } from '../../src/journal/sqlite/open-file.js';
import type { StoreOptions } from '../../src/journal/sqlite/sqlite-database.js';

/** What a journal opens its store for writing with. Makes the file where there is none. */
export function storeOptions(path: string, durability: StoreOptions['durability'] = 'process'): StoreOptions {
  closeSync(openSync(path, 'a'));
  const writer = { token: randomUUID(), name: 'the process of a test' };
  return { path, file: fileAt(path)!, role: 'writer', durability, writer };
}
