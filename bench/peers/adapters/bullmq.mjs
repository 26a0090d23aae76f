/** BullMQ: a job a piece; who waits is told by the events of the queue. https://docs.bullmq.io */
import { Queue, QueueEvents, Worker } from 'bullmq';
import { PIECES, serve, work } from './job.mjs';

const { hostname: host, port } = new URL(process.env.REDIS_URL);
const connection = { host, port: Number(port) };
const queue = new Queue('pieces', { connection, defaultJobOptions: { removeOnComplete: true, attempts: 5 } });
const events = new QueueEvents('pieces', { connection });
new Worker('pieces', ({ data }) => work(data.id, data.piece), { connection, concurrency: 1_000 });
await events.waitUntilReady();

serve(async (id) => {
  const jobs = await queue.addBulk(PIECES.map((piece) => ({ name: 'piece', data: { id, piece } })));
  return Promise.any(jobs.map((job) => job.waitUntilFinished(events)));
});
