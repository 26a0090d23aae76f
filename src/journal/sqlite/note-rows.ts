import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import { MOST_NOTES, type Note } from '../../run/notes.js';
import { expectWritten, rowChecksum } from './row-checksum.js';
import type { Statements } from './statements.js';

interface NoteRow extends Note {
  readonly checksum: number;
}

const FOUND = 'SELECT kind, name, text, until, checksum FROM notes';
const ENDED = 'SELECT kind, name FROM notes WHERE until <= ? LIMIT ?';
const TOO_MANY = 'SELECT kind, name FROM notes ORDER BY until LIMIT max(0, (SELECT count(*) FROM notes) - ?)';

export function createNotes(database: DatabaseSync): void {
  database.exec(`
    CREATE TABLE notes (
      kind TEXT NOT NULL,
      name TEXT NOT NULL,
      text TEXT NOT NULL,
      until INTEGER NOT NULL,
      checksum INTEGER NOT NULL,
      PRIMARY KEY (kind, name)
    ) STRICT, WITHOUT ROWID`);
  database.exec('CREATE INDEX notes_by_end ON notes (until)');
}

/** @throws {StoreError} `damaged` for a row that isn’t as it was written */
export function notes(statements: Statements, kind: string, now: number): Note[] {
  return statements.all<NoteRow>(`${FOUND} WHERE kind = ? AND until > ?`, kind, now).map(written);
}

/** @throws {StoreError} `damaged` where its row isn’t as it was written */
export function note(statements: Statements, kind: string, name: string, now: number): Note | undefined {
  const rows = statements.all<NoteRow>(`${FOUND} WHERE kind = ? AND name = ? AND until > ?`, kind, name, now);
  return rows.map(written)[0];
}

export function putNote(statements: Statements, kept: Note): void {
  const values = valuesOf(kept);
  statements.run('REPLACE INTO notes VALUES (?, ?, ?, ?, ?)', ...values, rowChecksum(values));
}

/** @returns the note that is kept: an existing one, or else this one */
export function claimNote(statements: Statements, claimed: Note, now: number): Note {
  const kept = note(statements, claimed.kind, claimed.name, now);
  if (!kept) putNote(statements, claimed);
  return kept ?? claimed;
}

/** @param text the note is removed only if it has this text */
export function removeNote(statements: Statements, kind: string, name: string, text?: string): void {
  const only = text === undefined ? [] : [text];
  const where = `kind = ? AND name = ?${only.map(() => ' AND text = ?').join('')}`;
  statements.run(`DELETE FROM notes WHERE ${where}`, kind, name, ...only);
}

/**
 * Deletes notes that ended before a time. If there are none, deletes the notes beyond the most that are kept, those that end first.
 *
 * @param limit how many ended notes to delete at most
 * @returns how many were deleted
 */
export function deleteNotes(statements: Statements, before: number, limit: number): number {
  const deleted = statements.run(`DELETE FROM notes WHERE (kind, name) IN (${ENDED})`, before, limit);
  return deleted > 0
    ? deleted
    : statements.run(`DELETE FROM notes WHERE (kind, name) IN (${TOO_MANY})`, MOST_NOTES);
}

function valuesOf({ kind, name, text, until }: Note): SQLInputValue[] {
  return [kind, name, text, Math.ceil(until)];
}

function written({ checksum, ...kept }: NoteRow): Note {
  expectWritten(`the note ${kept.kind} ${kept.name}`, checksum, valuesOf(kept));
  return kept;
}
