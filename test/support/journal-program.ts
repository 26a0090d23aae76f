/** A process with nothing but a journal of the build, which does what journal-process.ts asks of it. */
import { Logger } from '@nestjs/common';
import type { EventBus } from '../../src/events/event-bus.js';
import type * as journalFile from '../../src/journal/sqlite/sqlite-journal.js';
import { EventWriter } from './event-writer.ts';
import type { JournalRequest } from './journal-process.ts';

Logger.overrideLogger(['error']);
const built = new URL('../../dist/journal/sqlite/sqlite-journal.js', import.meta.url).href;
const { SqliteJournal } = (await import(built)) as typeof journalFile;
const bus = { publish: () => undefined } as unknown as EventBus;
let journal: journalFile.SqliteJournal | undefined;
let writer: EventWriter | undefined;

async function answer({ open: path, append: event, close }: JournalRequest): Promise<string> {
  try {
    if (path !== undefined) {
      const options = { path, durability: 'power', retentionMs: 0, keyRetentionMs: 3_600_000 } as const;
      journal = await SqliteJournal.open(options, bus);
      writer = new EventWriter(journal);
    }
    if (event !== undefined) await writer?.append(event);
    if (close) await journal?.close();
    return 'done';
  } catch (error) {
    const { name, message } = error as Error;
    return `${name}: ${message}`;
  }
}

process.on('message', (request: JournalRequest) => {
  void answer(request).then((answered) => process.send!(answered));
});
process.on('disconnect', () => process.exit());
process.send!('ready');
