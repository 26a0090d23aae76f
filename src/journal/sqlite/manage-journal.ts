/** `frontrunner journal`: checks an SQLite journal for damage, backs it up and restores it. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { environmentOf, runCommand, UsageError, type Terminal } from '../../command-line/command.js';
import { variables } from '../../config/variables.js';
import { databaseError, DatabaseError } from '../database-error.js';
import { BackupError, backUp, restore } from './copy-log.js';
import { verifyLog, type LogReport } from './verify-log.js';

const HINT = 'frontrunner journal --help says what there is';

const USAGE = `Usage: frontrunner journal verify
       frontrunner journal backup <file>
       frontrunner journal restore <file>

verify   reads all of the database, and holds each row of its log against its checksum, the row before it, and the runs;
         what is wrong is told, a line each, and the exit code is 1.
backup   copies the database, as it is at one moment, to a file that must not be there yet, and verifies the copy.
restore  puts such a copy in the place of the database. The one that was there is kept beside it, under a name that is told.
         What was told since the backup was made is unknown then.

The service may run during verify and backup. restore is refused while it does.
DATABASE_URL says which database, and may be set in a file .env.
`;

/** Executes the command. @returns the exit code */
export function manageJournal(args: readonly string[], terminal: Terminal): Promise<number> {
  return runCommand(() => manage(args, terminal), terminal, {
    hint: HINT,
    mendable: [DatabaseError, BackupError],
  });
}

function manage(args: readonly string[], terminal: Terminal): number | undefined {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { help: { type: 'boolean', short: 'h', default: false } },
  });
  const [command, file, ...more] = positionals;
  const { stdout } = terminal;
  if (values.help) {
    stdout.write(USAGE);
    return undefined;
  }
  if (command === undefined) throw new UsageError(USAGE.trimEnd());
  if (
    more.length > 0 ||
    !['verify', 'backup', 'restore'].includes(command) ||
    (command === 'verify') !== (file === undefined)
  )
    throw new UsageError(`It takes verify, backup <file>, or restore <file>; ${HINT}`);
  const path = pathOf(environmentOf(terminal));
  if (file === undefined) return verify(path, terminal);
  if (command === 'backup') {
    if (existsSync(file)) throw new UsageError(`${file} is there already; name another file`);
    const report = about(path, () => backUp(expectThere(path), file));
    stdout.write(`${file} is a copy of ${path}: ${summaryOf(report)}\n`);
    return undefined;
  }
  const { report, kept } = about(path, () => restore(path, expectThere(file)));
  if (kept !== undefined) stdout.write(`What was in ${path} is in ${kept} now\n`);
  stdout.write(`${path} is a copy of ${file}: ${summaryOf(report)}\n`);
  return undefined;
}

function verify(path: string, { stdout }: Terminal): number {
  const report = about(path, () => verifyLog(expectThere(path)));
  for (const flaw of report.flaws) stdout.write(`${flaw}\n`);
  const flawed = report.isUnread ? 'can’t be read' : 'is damaged';
  stdout.write(`${path} ${report.flaws.length === 0 ? 'is sound' : flawed}: ${summaryOf(report)}\n`);
  return report.flaws.length === 0 ? 0 : 1;
}

function summaryOf({ events, lastId }: LogReport): string {
  return `${events} events, the last of which has the number ${lastId}`;
}

/** Explains errors of the database where their cause is known. */
function about<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw databaseError(path, error);
  }
}

function expectThere(path: string): string {
  if (existsSync(path)) return path;
  throw new UsageError(`There is no file ${path}`);
}

function pathOf(env: Terminal['env']): string {
  const { schema, fallback, takes } = variables.DATABASE_URL;
  const text = env.DATABASE_URL === '' ? fallback : (env.DATABASE_URL ?? fallback);
  const { data } = schema.safeParse(text);
  if (!data) throw new UsageError(`DATABASE_URL takes ${takes}`);
  if (data.kind === 'sqlite') return resolve(data.path);
  const instead = data.kind === 'postgres' ? '; pg_dump and pg_restore copy a Postgres database' : '';
  throw new UsageError(`DATABASE_URL is ${text}, which is no SQLite file${instead}`);
}
