import type { Note, Notes } from '../../run/notes.js';
import type { JournalThreads } from './journal-threads.js';

/** Keeps notes in the SQLite database. */
export class SqliteNotes implements Notes {
  constructor(private readonly threads: JournalThreads) {}

  all(kind: string): Promise<readonly Note[]> {
    return this.threads.read((reader) => reader.read('notes', kind, Date.now()));
  }

  find(kind: string, name: string): Promise<Note | undefined> {
    return this.threads.read((reader) => reader.read('note', kind, name, Date.now()));
  }

  put(note: Note): Promise<void> {
    return this.threads.write((writer) => writer.write('putNote', note));
  }

  claim(note: Note): Promise<Note> {
    return this.threads.write((writer) => writer.write('claimNote', note, Date.now()));
  }

  remove(kind: string, name: string, text?: string): Promise<void> {
    return this.threads.write((writer) => writer.write('removeNote', kind, name, text));
  }
}
