/** Starts runs in transactions of several libraries, and tells what became of them. */
import { setTimeout as delay } from 'node:timers/promises';
import { drizzle } from 'drizzle-orm/node-postgres';
import knexOf from 'knex';
import { Kysely, PostgresDialect } from 'kysely';
import pg from 'pg';
import { DataSource } from 'typeorm';

const [, , url] = process.argv.splice(0, Infinity, process.argv[0], process.argv[1]);
Object.assign(process.env, { DATABASE_URL: url, PORT: '0', LOG_LEVEL: 'silent', DEMO_TIME_SCALE: '0.001' });
const { service } = await import('../support/built-transactions.ts');
const { tasks, transactions } = service;

const pool = new pg.Pool({ connectionString: url });
const kysely = new Kysely({ dialect: new PostgresDialect({ pool }) });
const drizzled = drizzle({ client: pool });
const typeorm = await new DataSource({ type: 'postgres', url }).initialize();
const knex = knexOf({ client: 'pg', connection: url });

async function withClient(work) {
  const client = await pool.connect();
  try {
    await client.query('BEGIN');
    await work(client);
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK');
    throw error;
  } finally {
    client.release();
  }
}

async function withQueryRunner(work) {
  const runner = typeorm.createQueryRunner();
  try {
    await runner.startTransaction();
    await work(runner);
    await runner.commitTransaction();
  } catch (error) {
    await runner.rollbackTransaction();
    throw error;
  } finally {
    await runner.release();
  }
}

/** How each does something in a transaction, and what of it is outside of one. */
const libraries = {
  pg: [withClient, pool],
  Kysely: [(work) => kysely.transaction().execute(work), kysely],
  Drizzle: [(work) => drizzled.transaction(work), drizzled],
  TypeORM: [(work) => typeorm.transaction(work), typeorm.manager],
  'a QueryRunner of TypeORM': [withQueryRunner, typeorm],
  Knex: [(work) => knex.transaction(work), knex],
};

const start = (transaction) => transactions.start('demo', { labels: { sign: `'$1 ?` } }, {}, transaction);
const codeOf = (promise) =>
  promise.then(
    () => 'none',
    ({ code, message }) => code ?? message,
  );

const stories = {};
for (const [name, [transact, outside]] of Object.entries(libraries)) {
  let run;
  await transact(async (transaction) => {
    run = await start(transaction);
  });
  const { result } = await tasks.reply(run);
  const undone = await codeOf(
    transact(async (transaction) => {
      run = await start(transaction);
      throw new Error('undone');
    }),
  );
  stories[name] = [result, undone, await codeOf(tasks.reply(run)), await codeOf(start(outside))];
}
process.stdout.write(JSON.stringify(stories));
await Promise.all([pool.end(), typeorm.destroy(), knex.destroy()]);
while (process.stdout.writableLength > 0) await delay(10);
process.exit();
