import type { DatabaseSync } from 'node:sqlite';
import type { Statements } from './statements.js';

export function createWithdrawnTokens(database: DatabaseSync): void {
  database.exec(`
    CREATE TABLE withdrawn_tokens (id TEXT PRIMARY KEY, until INTEGER NOT NULL) STRICT, WITHOUT ROWID`);
}

export function tokenSecret(statements: Statements): string {
  return statements.all<{ secret: string }>('SELECT secret FROM token_secret')[0]?.secret ?? '';
}

/** Also deletes tokens that have expired. */
export function withdrawToken(statements: Statements, id: string, until: number, now: number): void {
  statements.run('DELETE FROM withdrawn_tokens WHERE until <= ?', now);
  statements.run('INSERT OR IGNORE INTO withdrawn_tokens VALUES (?, ?)', id, until);
}

export function isWithdrawn(statements: Statements, id: string): boolean {
  return statements.all('SELECT 1 FROM withdrawn_tokens WHERE id = ?', id).length > 0;
}
