/** pg-boss: a job a piece, workers that NOTIFY wakes, and a NOTIFY with each result. https://timgit.github.io/pg-boss */
import pg from 'pg';
import { PgBoss } from 'pg-boss';
import { PIECES, serve, Waiting, work } from './job.mjs';

const connectionString = process.env.DATABASE_URL;
const boss = new PgBoss({ connectionString, useListenNotify: true });
await boss.start();
await boss.createQueue('pieces', { notify: true, retryLimit: 5 });

const waiting = new Waiting();
const listener = new pg.Client({ connectionString });
await listener.connect();
await listener.query('LISTEN results');
listener.on('notification', ({ payload }) => waiting.told(...JSON.parse(payload)));

const pool = new pg.Pool({ connectionString });
await boss.work('pieces', { batchSize: 100, localConcurrency: 10 }, (jobs) =>
  Promise.all(
    jobs.map(async ({ data: { id, piece } }) => {
      const result = await work(id, piece);
      await pool.query(`SELECT pg_notify('results', $1)`, [JSON.stringify([id, result])]);
    }),
  ),
);

serve(async (id) => {
  const first = waiting.first(id);
  await boss.insert(
    'pieces',
    PIECES.map((piece) => ({ data: { id, piece } })),
  );
  return first;
});
