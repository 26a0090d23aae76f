// A receiver with Express.   npm i express standardwebhooks   WEBHOOK_SECRET=whsec_… node express.mjs
import { DatabaseSync } from 'node:sqlite';
import express from 'express';
import { Webhook } from 'standardwebhooks';

const webhook = new Webhook(process.env.WEBHOOK_SECRET);
// Who does the work reads it at the same time: the insert waits for that.
const inbox = new DatabaseSync(process.env.INBOX ?? 'inbox.db', { timeout: 5_000 });
inbox.exec('CREATE TABLE IF NOT EXISTS inbox (id TEXT PRIMARY KEY, event TEXT NOT NULL)');
const keep = inbox.prepare('INSERT INTO inbox (id, event) VALUES (?, ?) ON CONFLICT DO NOTHING');

const app = express();
// The signature is that of the bytes, so nothing may parse them before it is checked.
app.post('/webhooks', express.raw({ type: '*/*', limit: '10mb' }), (request, response) => {
  try {
    webhook.verify(request.body, request.headers); // also refuses what was sent more than five minutes ago
  } catch {
    response.sendStatus(400);
    return;
  }
  // The id is the key, so an event that comes twice is kept once. It is on disk before the answer.
  keep.run(request.get('webhook-id'), request.body.toString());
  response.sendStatus(204);
  // The work is done from the table: the sender waits for no more than the insert.
});

const server = app.listen(Number(process.env.PORT ?? 4000), '127.0.0.1', () => {
  console.log(`Listening on http://127.0.0.1:${server.address().port}/webhooks`);
});
