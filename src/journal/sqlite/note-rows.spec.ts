import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { DatabaseSync } from 'node:sqlite';
import { MOST_NOTES, type Note } from '../../run/notes.js';
import { createNotes, deleteNotes, note, notes, putNote } from './note-rows.js';
import { Statements } from './statements.js';

const NOW = 1_000_000;

describe('rows of notes', () => {
  let database: DatabaseSync;
  let statements: Statements;
  beforeEach(() => {
    database = new DatabaseSync(':memory:');
    createNotes(database);
    statements = new Statements(database);
  });
  afterEach(() => {
    statements.close();
  });

  const put = (name: string, until: number): Note => {
    const kept = { kind: 'kind', name, text: `of ${name}`, until };
    putNote(statements, kept);
    return kept;
  };

  test('are deleted when they have ended, so many at a time', () => {
    for (let n = 1; n <= 5; n += 1) put(`ended ${n}`, NOW);
    const kept = put('kept', NOW + 1);
    expect([4, 4, 4].map((limit) => deleteNotes(statements, NOW, limit))).toEqual([4, 1, 0]);
    expect(notes(statements, 'kind', 0)).toEqual([kept]);
  });

  test('are deleted past the most that are kept, those that end first', () => {
    for (let n = 1; n <= MOST_NOTES + 2; n += 1) put(`${n}`, NOW + n);
    expect([1, 1].map((limit) => deleteNotes(statements, NOW, limit))).toEqual([2, 0]);
    expect(['1', '2', '3'].map((name) => note(statements, 'kind', name, NOW)?.until)).toEqual([
      undefined,
      undefined,
      NOW + 3,
    ]);
  });

  test('are refused when they are not what was written', () => {
    put('a', NOW + 1);
    database.exec(`UPDATE notes SET text = 'of b'`);
    expect(() => note(statements, 'kind', 'a', NOW)).toThrow('the note kind a is not what was written');
    expect(() => notes(statements, 'kind', NOW)).toThrow(expect.objectContaining({ kind: 'damaged' }));
  });
});
