import { readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { DatabaseSync } from 'node:sqlite';
import { databaseError, DatabaseError } from '../database-error.js';

/**
 * Keeps other processes from opening a database. It locks an empty SQLite database beside that one, because the system frees such a lock
 * however its process ends. Nothing is ever committed to the empty one, so no crash can damage it. A further file names the holder, for
 * people.
 */
export class DatabaseLock {
  private constructor(private readonly file: DatabaseSync) {}

  /** @throws {DatabaseError} that names the process that holds the lock */
  static take(path: string): DatabaseLock {
    const file = new DatabaseSync(`${path}.lock`, { timeout: 0 });
    try {
      // With nothing to write, SQLite would accept a read-only file without taking a lock.
      file.exec('PRAGMA journal_mode = MEMORY; BEGIN IMMEDIATE; PRAGMA user_version = 1');
    } catch (error) {
      file.close();
      if ((error as { errcode?: number }).errcode !== BUSY) throw databaseError(`${path}.lock`, error);
      throw new DatabaseError(
        path,
        `is in use by ${holderOf(path)}; end that process, or set DATABASE_URL to another file`,
      );
    }
    writeHolder(path);
    return new DatabaseLock(file);
  }

  release(): void {
    this.file.close();
  }
}

/** SQLite's result code for a lock that another connection has. */
const BUSY = 5;

/** This process, for people. */
export function processName(): string {
  return `the process ${process.pid} on ${hostname()} since ${new Date().toISOString()}`;
}

function writeHolder(path: string): void {
  try {
    writeFileSync(`${path}.holder`, processName());
  } catch {
    // The lock works without the holder's name, for example on a full disk.
  }
}

function holderOf(path: string): string {
  try {
    return readFileSync(`${path}.holder`, 'utf8') || 'another process';
  } catch {
    return 'another process';
  }
}
