import { join } from 'node:path';
import type { EventBus } from '../../src/events/event-bus.js';
import type { Journal } from '../../src/run/journal.js';
import { MemoryJournal } from '../../src/journal/memory/memory-journal.js';
import { SqliteJournal } from '../../src/journal/sqlite/sqlite-journal.js';
import { PostgresJournal } from '../../src/journal/postgres/postgres-journal.js';
import { temporaryDatabase } from './postgres-database.js';
import { temporaryDirectory } from './temporary-directory.js';

const directory = temporaryDirectory();
let databases = 0;
const HOUR_MS = 3_600_000;

/** Every implementation of the journal, to be opened with nothing in it. */
export const journals: Record<string, (bus: EventBus) => Journal | Promise<Journal>> = {
  memory: (bus) => new MemoryJournal(bus, HOUR_MS),
  SQLite: (bus) => {
    const path = join(directory, `${++databases}.db`);
    return SqliteJournal.open({ path, durability: 'power', retentionMs: 0, keyRetentionMs: HOUR_MS }, bus);
  },
  Postgres: async (bus) => {
    const url = await temporaryDatabase();
    return PostgresJournal.open(
      { url, schema: 'frontrunner', role: 'all', retentionMs: 0, keyRetentionMs: HOUR_MS },
      bus,
    );
  },
};
