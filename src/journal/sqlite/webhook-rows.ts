import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import type { KeptWebhook, WebhookChange } from '../../run/webhook-keeping.js';
import { WEBHOOK } from '../webhook-columns.js';
import { expectWritten, rowChecksum } from './row-checksum.js';
import type { Statements } from './statements.js';

interface WebhookRow extends KeptWebhook {
  readonly checksum: number;
  readonly cursorChecksum: number;
}

/** The columns under each of the two checksums of a row. */
export const WEBHOOK_START = 'id, terms, client, created_at, revision, paused, paused_at';
export const WEBHOOK_CURSOR = 'id, cursor, cursor_at';

const FOUND = `SELECT ${WEBHOOK}, checksum, cursor_checksum AS "cursorChecksum" FROM webhooks`;
const ADD = `
  INSERT OR IGNORE INTO webhooks (${WEBHOOK_START}, checksum, cursor, cursor_at, cursor_checksum)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;
const CHANGE = `
  UPDATE webhooks SET terms = ?, revision = ?, paused = ?, paused_at = ?, checksum = ? WHERE id = ?`;
const MOVE = 'UPDATE webhooks SET cursor = ?, cursor_at = ?, cursor_checksum = ? WHERE id = ?';
const REMOVE_SOME = `
  DELETE FROM webhook_deliveries WHERE rowid IN (SELECT rowid FROM webhook_deliveries WHERE webhook = ? LIMIT ?)`;

export function createWebhooks(database: DatabaseSync): void {
  database.exec(`
    CREATE TABLE webhooks (
      id TEXT PRIMARY KEY,
      terms TEXT NOT NULL,
      client TEXT,
      created_at INTEGER NOT NULL,
      revision INTEGER NOT NULL,
      paused TEXT,
      paused_at INTEGER,
      checksum INTEGER NOT NULL,
      cursor INTEGER NOT NULL,
      cursor_at INTEGER NOT NULL,
      cursor_checksum INTEGER NOT NULL
    ) STRICT`);
  database.exec('CREATE INDEX webhooks_by_cursor ON webhooks (cursor_at)');
}

/** All webhooks, the newest first. @throws {StoreError} `damaged` for a row that isn’t as it was written */
export function webhooks(statements: Statements): KeptWebhook[] {
  return statements.all<WebhookRow>(`${FOUND} ORDER BY created_at DESC, id DESC`).map(written);
}

/** @throws {StoreError} `damaged` where its row isn’t as it was written */
export function webhook(statements: Statements, id: string): KeptWebhook | undefined {
  return statements.all<WebhookRow>(`${FOUND} WHERE id = ?`, id).map(written)[0];
}

/** @returns false when a webhook with that id exists */
export function addWebhook(statements: Statements, added: KeptWebhook): boolean {
  const [start, cursor] = [startOf(added), cursorOf(added)];
  const [, ...place] = cursor;
  return statements.run(ADD, ...start, rowChecksum(start), ...place, rowChecksum(cursor)) > 0;
}

/** @returns false when there is no webhook of that revision */
export function changeWebhook(
  statements: Statements,
  id: string,
  revision: number,
  { terms, paused }: WebhookChange,
  now: number,
): boolean {
  const found = webhook(statements, id);
  if (found?.revision !== revision) return false;
  const since = paused === found.paused ? found.pausedAt : now;
  const pausedAt = paused === null ? null : since;
  const start = startOf({ ...found, terms, paused, pausedAt, revision: revision + 1 });
  return statements.run(CHANGE, terms, revision + 1, paused, pausedAt, rowChecksum(start), id) > 0;
}

/** @returns false when there is no such webhook */
export function moveCursor(statements: Statements, id: string, cursor: number, cursorAt: number): boolean {
  const checksum = rowChecksum(cursorOf({ id, cursor, cursorAt }));
  return statements.run(MOVE, cursor, cursorAt, checksum, id) > 0;
}

/**
 * Deletes some of a webhook's deliveries, and the webhook itself after the last of them.
 *
 * @returns undefined when more deliveries may be left; else whether there was such a webhook
 */
export function removeWebhook(statements: Statements, id: string, limit: number): boolean | undefined {
  if (statements.run(REMOVE_SOME, id, limit) === limit) return undefined;
  return statements.run('DELETE FROM webhooks WHERE id = ?', id) > 0;
}

/** The time up to which every webhook has read, in milliseconds since 1970; undefined without any webhook. */
export function oldestCursor(statements: Statements): number | undefined {
  const [oldest] = statements.all<{ at: number | null }>('SELECT min(cursor_at) AS at FROM webhooks');
  return oldest?.at ?? undefined;
}

function written({ checksum, cursorChecksum, ...found }: WebhookRow): KeptWebhook {
  const what = `the row of the webhook ${found.id}`;
  expectWritten(what, checksum, startOf(found));
  expectWritten(what, cursorChecksum, cursorOf(found));
  return found;
}

function startOf(webhook: KeptWebhook): SQLInputValue[] {
  const { id, terms, client, createdAt, revision, paused, pausedAt } = webhook;
  return [id, terms, client, createdAt, revision, paused, pausedAt];
}

function cursorOf({ id, cursor, cursorAt }: Pick<KeptWebhook, 'id' | 'cursor' | 'cursorAt'>) {
  return [id, cursor, cursorAt];
}
