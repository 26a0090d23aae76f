/**
 * Preloaded into a Node server (`--import`): counts the commits to SQLite, in whichever thread they are made. With
 * `synchronous=FULL` a commit that writes is one fsync of the write-ahead log. Other statements are left as they are.
 */
import { DatabaseSync } from 'node:sqlite';
import { getEnvironmentData, isMainThread, setEnvironmentData } from 'node:worker_threads';
import { answer } from './answer.ts';

/** Under this name worker threads find the counter, whose memory they share. */
const COUNTER = 'bench:commits';

const counter = isMainThread
  ? new Int32Array(new SharedArrayBuffer(4))
  : (getEnvironmentData(COUNTER) as Int32Array<SharedArrayBuffer>);
if (isMainThread) setEnvironmentData(COUNTER, counter);

const commits = (sql: string) => /\b(COMMIT|END)\s*;?\s*$/i.test(sql);
// eslint-disable-next-line @typescript-eslint/unbound-method -- called with `this` below
const { prepare, exec } = DatabaseSync.prototype;

DatabaseSync.prototype.prepare = function (...args) {
  const statement = prepare.apply(this, args);
  if (!commits(args[0])) return statement;
  const run = statement.run.bind(statement);
  statement.run = () => {
    const result = run();
    Atomics.add(counter, 0, 1);
    return result;
  };
  return statement;
};

DatabaseSync.prototype.exec = function (sql) {
  exec.call(this, sql);
  if (commits(sql)) Atomics.add(counter, 0, 1);
};

answer('commits', () => Atomics.load(counter, 0));
