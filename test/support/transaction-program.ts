/** A process that makes orders, each with a run of the demo task, in transactions as it is told. */
import pg from 'pg';
import type * as runsFile from '../../src/run/runs.js';
import { service } from './built-transactions.ts';

/** What becomes of a transaction: its commit or rollback; or the end of the process, by SIGKILL, before or right after the commit, or instead of the start. */
export type Fate = 'commit' | 'rollback' | 'die-before-commit' | 'die-after-commit' | 'die-before-start';

/** What it is told, and it answers with the number, and with what was refused. */
export type Order = readonly [number: number, fate: Fate];

const { Runs } = (await import(new URL('../../dist/run/runs.js', import.meta.url).href)) as typeof runsFile;
const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL });
const die = (): never => {
  process.kill(process.pid, 'SIGKILL');
  for (;;);
};

async function order(fate: Fate): Promise<void> {
  const client = await pool.connect();
  try {
    await client.query('BEGIN');
    const { runId } = await service.transactions.start('demo', {}, {}, client);
    await client.query('INSERT INTO orders (run_id) VALUES ($1)', [runId]);
    if (fate === 'die-before-commit') die();
    if (fate === 'die-before-start') Runs.prototype.start = die;
    await client.query(fate === 'rollback' ? 'ROLLBACK' : 'COMMIT');
    if (fate === 'die-after-commit') die();
    client.release();
  } catch (error) {
    client.release(true);
    throw error;
  }
}

process.on('message', ([number, fate]: Order) => {
  order(fate).then(
    () => process.send!([number]),
    (error: unknown) => process.send!([number, String(error)]),
  );
});
process.on('disconnect', () => process.exit());
process.send!('ready');
