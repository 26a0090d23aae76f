import { closeSync, copyFileSync, existsSync, fsyncSync, openSync, renameSync, rmSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { textOf } from '../../core/thrown.js';
import { DatabaseLock } from './database-lock.js';
import { endFileOf } from './log-end.js';
import { detailsOf, StoreError } from './store-error.js';
import { verifyLog, type LogReport } from './verify-log.js';

/** A backup can't be written or restored. The message names its file. */
export class BackupError extends Error {
  override name = 'BackupError';
}

const DISK_FULL = 13;

/**
 * Copies a database, as it is at one moment, to a new file. The caller checks that there is no such file: it would be replaced. The
 * service may run meanwhile.
 *
 * @throws {BackupError}
 */
export function backUp(path: string, to: string): LogReport {
  const copy = `${to}.partial`;
  const report = copyTo(path, copy, (error) =>
    isOfTarget(error)
      ? new BackupError(`${to} can’t be written (${textOf(error)}); name another file`)
      : error,
  );
  renameSync(copy, to);
  sync(dirname(resolve(to)));
  return report;
}

/**
 * Replaces a database by a copy. No service may use the database meanwhile. The old database is kept.
 *
 * @returns where the old database is kept; undefined where there was none
 * @throws {DatabaseError} while a service uses the database
 * @throws {BackupError}
 */
export function restore(path: string, from: string): { report: LogReport; kept: string | undefined } {
  const lock = DatabaseLock.take(path);
  try {
    const copy = `${path}.partial`;
    const report = copyTo(from, copy, (error) => (isOfTarget(error) ? error : notRestored(from, error)));
    const kept = existsSync(path) ? `${path}.replaced-${Date.now()}` : undefined;
    if (kept !== undefined)
      for (const suffix of ['', '-wal'])
        if (existsSync(path + suffix)) copyFileSync(path + suffix, kept + suffix);
    for (const suffix of ['-wal', '-shm']) rmSync(path + suffix, { force: true });
    renameSync(copy, path);
    // The file of the log's end goes last. If a crash leaves it beside the restored log, the next start refuses a log that is shorter
    // than it says.
    rmSync(endFileOf(path), { force: true });
    sync(dirname(path));
    return { report, kept };
  } finally {
    lock.release();
  }
}

function isOfTarget(error: unknown): boolean {
  const { explanation, errcode } = detailsOf(error);
  return explanation === undefined && (errcode === undefined || errcode === DISK_FULL);
}

function notRestored(from: string, error: unknown): BackupError {
  const { explanation = `is no backup of a journal (${textOf(error)}); name another file` } =
    detailsOf(error);
  return new BackupError(`${from} ${explanation}`);
}

/** @param about turns a caught error into the one to throw; it gets a StoreError when the database is damaged */
function copyTo(from: string, to: string, about: (error: unknown) => unknown): LogReport {
  try {
    rmSync(to, { force: true });
    // SQLite would create the file readable for everybody, but it also fills an empty file.
    closeSync(openSync(to, 'wx', 0o600));
    const database = new DatabaseSync(from, { readOnly: true });
    try {
      database.prepare('VACUUM INTO ?').run(to);
    } finally {
      database.close();
    }
    sync(to);
    const report = verifyLog(to);
    if (report.flaws.length === 0) return report;
    const flawed = report.isUnread ? 'can’t be read' : 'is damaged';
    throw new StoreError(`${flawed}, and was not copied:\n${report.flaws.join('\n')}`, 'damaged');
  } catch (error) {
    if (existsSync(to)) rmSync(to);
    throw about(error);
  }
}

function sync(path: string): void {
  const file = openSync(path, 'r');
  fsyncSync(file);
  closeSync(file);
}
