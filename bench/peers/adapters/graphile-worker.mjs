/** graphile-worker: a job a piece, and a NOTIFY with each result. https://worker.graphile.org */
import { makeWorkerUtils, run } from 'graphile-worker';
import pg from 'pg';
import { PIECES, serve, Waiting, work } from './job.mjs';

const connectionString = process.env.DATABASE_URL;
const utils = await makeWorkerUtils({ connectionString });
await utils.migrate();

const waiting = new Waiting();
const listener = new pg.Client({ connectionString });
await listener.connect();
await listener.query('LISTEN results');
listener.on('notification', ({ payload }) => waiting.told(...JSON.parse(payload)));

await run({
  preset: { worker: { connectionString, concurrentJobs: 600, maxPoolSize: 20, localQueue: { size: 1200 } } },
  noHandleSignals: true,
  taskList: {
    piece: async ({ id, piece }, { query }) => {
      const result = await work(id, piece);
      await query(`SELECT pg_notify('results', $1)`, [JSON.stringify([id, result])]);
    },
  },
});

serve(async (id) => {
  const first = waiting.first(id);
  await utils.addJobs(PIECES.map((piece) => ({ identifier: 'piece', payload: { id, piece } })));
  return first;
});
