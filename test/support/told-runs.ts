import { isDeepStrictEqual } from 'node:util';
import { runOf } from '../../src/core/run-record.js';
import { parseEvents } from '../../src/journal/event-text.js';
import { preparePath } from '../../src/journal/sqlite/database-path.js';
import { missingEnd } from '../../src/journal/sqlite/log-end.js';
import { SqliteStore } from '../../src/journal/sqlite/sqlite-store.js';
import { verifyLog } from '../../src/journal/sqlite/verify-log.js';
import type { Answer } from '../../src/tasks/started-run.js';
import { storeOptions } from './store-options.js';
import type { ShownRun } from './test-app.js';

/** The reply of a run, or what there was to see of it when it was over. */
export type ToldRun = Pick<Answer, 'runId' | 'answeredBy' | 'result'> | Pick<ShownRun, 'id' | 'status'>;

/** What an answer of the service told of a run; undefined when it told nothing for good. */
export function toldBy(response: string): ToldRun | undefined {
  const [head = '', body = ''] = response.split('\r\n\r\n');
  if (!head.startsWith('HTTP/1.1 200 ') || !body.startsWith('{')) return undefined;
  const told = JSON.parse(body) as Answer | ShownRun;
  if ('answeredBy' in told) {
    const { runId, answeredBy, result } = told;
    return { runId, answeredBy, result };
  }
  return 'finishedAt' in told && told.finishedAt !== null ? { id: told.id, status: told.status } : undefined;
}

/**
 * Opens a database as a start of the service does, without the threads of one.
 *
 * @returns what was told and is not in it, and what else is wrong with it
 * @throws {StoreError} when it can't be opened, and SQLite's errors
 */
export async function openAfterwards(
  file: string,
  durability: 'power' | 'process',
  told: readonly ToldRun[],
): Promise<{ readonly lost: ToldRun[]; readonly flaws: readonly string[] }> {
  const path = preparePath(file);
  const missing = missingEnd(path);
  const store = SqliteStore.open(storeOptions(path, durability));
  let lost: ToldRun[];
  try {
    store.claim();
    const { lastId } = store.state();
    lost = told.filter((run) => !isKnown(store, lastId, run));
  } finally {
    store.close();
  }
  const { flaws } = verifyLog(path);
  return {
    lost,
    flaws: missing === undefined ? flaws : flaws.filter((flaw) => !flaw.includes('had been told')),
  };
}

function isKnown(store: SqliteStore, lastId: number, told: ToldRun): boolean {
  const found = store.run('status' in told ? told.id : told.runId, lastId);
  const run = found && runOf(parseEvents(found.texts), found.commits);
  if ('status' in told) return run?.status === told.status;
  const { answeredBy, result } = told;
  // A reply goes out when the outcomes that make it are on disk; the event that tells of it comes after that.
  const winner = run?.outcomes.find((outcome) => outcome.status === 'succeeded');
  const reply = run?.decision?.reply ?? (winner && { answeredBy: winner.subTask, result: winner.result });
  return isDeepStrictEqual(reply, { answeredBy, result });
}
