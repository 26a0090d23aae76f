/**
 * Loaded before a process (`--import`) and its threads, or by the threads of a test's own process alone: faults of the
 * disk, the thread that writes and the process, as the files in a directory ask for them. See ask-for-faults.ts.
 */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync, StatementSync } from 'node:sqlite';
import { getEnvironmentData } from 'node:worker_threads';

const directory = (getEnvironmentData('faults') as string | undefined) ?? process.env.FAULTS ?? '';
const file = (name: string): string => join(directory, name);

/** Commits as on a full disk while there is a file `full`; waits in one while there is a file `stuck`. */
function disk(sql: string): void {
  if (sql !== 'COMMIT') return;
  if (existsSync(file('full')))
    throw Object.assign(new Error('database or disk is full'), { code: 'ERR_SQLITE_ERROR', errcode: 13 });
  while (existsSync(file('stuck'))) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
}

/** Whether the transaction that is open writes events. */
let writesEvents = false;

/** Ends what a file `before` or `after` names, `thread` or `process`, at the next statement that has its text; at a COMMIT, of events. */
function end(moment: 'before' | 'after', sql: string): void {
  if (!existsSync(file(moment))) return;
  const [what, statement = ''] = readFileSync(file(moment), 'utf8').split(': ');
  if (!sql.includes(statement) || (statement === 'COMMIT' && !writesEvents)) return;
  rmSync(file(moment));
  if (what === 'process') process.kill(process.pid, 'SIGKILL');
  process.exit(1);
}

// eslint-disable-next-line @typescript-eslint/unbound-method -- applied to its database below
const exec = DatabaseSync.prototype.exec;

DatabaseSync.prototype.exec = function (this: DatabaseSync, sql: string) {
  end('before', sql);
  exec.call(this, sql);
  end('after', sql);
};

// eslint-disable-next-line @typescript-eslint/unbound-method -- applied to its statement below
const run = StatementSync.prototype.run as (...values: unknown[]) => ReturnType<StatementSync['run']>;

StatementSync.prototype.run = function (this: StatementSync, ...values: unknown[]) {
  if (this.sourceSQL.startsWith('BEGIN')) writesEvents = false;
  if (this.sourceSQL.includes('INTO commits')) writesEvents = true;
  disk(this.sourceSQL);
  end('before', this.sourceSQL);
  const result = run.apply(this, values);
  end('after', this.sourceSQL);
  return result;
};
