/**
 * Loaded before the service (`--import`), and by its threads as well: faults of the disk, the thread that writes and the
 * process, as the files in the directory FAULTS ask for them.
 */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { StatementSync } from 'node:sqlite';

const file = (name: string): string => join(process.env.FAULTS ?? '', name);

/** Commits as on a full disk while there is a file `full`; waits in one while there is a file `stuck`. */
function disk(sql: string): void {
  if (sql !== 'COMMIT') return;
  if (existsSync(file('full')))
    throw Object.assign(new Error('database or disk is full'), { code: 'ERR_SQLITE_ERROR', errcode: 13 });
  while (existsSync(file('stuck'))) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
}

/** Ends what a file `before` or `after` names, `thread` or `process`, at the next statement that has its text. */
function end(moment: 'before' | 'after', sql: string): void {
  if (!existsSync(file(moment))) return;
  const [what, statement = ''] = readFileSync(file(moment), 'utf8').split(': ');
  if (!sql.includes(statement)) return;
  rmSync(file(moment));
  if (what === 'process') process.kill(process.pid, 'SIGKILL');
  process.exit(1);
}

// eslint-disable-next-line @typescript-eslint/unbound-method -- applied to its statement below
const run = StatementSync.prototype.run as (...values: unknown[]) => ReturnType<StatementSync['run']>;

StatementSync.prototype.run = function (this: StatementSync, ...values: unknown[]) {
  disk(this.sourceSQL);
  end('before', this.sourceSQL);
  const result = run.apply(this, values);
  end('after', this.sourceSQL);
  return result;
};
