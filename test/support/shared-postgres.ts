import { once } from 'node:events';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { EmbeddedPostgres } from './embedded-postgres.ts';

let offer: Server | undefined;
let postgres: Promise<EmbeddedPostgres> | undefined;

/**
 * Tells whoever connects the URL of one Postgres for the whole run, or why there is none. It starts with the first to
 * ask, since most runs of a few specs need none; a server that the environment names makes it needless.
 */
export async function offerPostgres(): Promise<void> {
  if (process.env.TEST_DATABASE_URL !== undefined) return;
  offer = createServer((socket) => {
    socket.on('error', () => undefined);
    postgres ??= EmbeddedPostgres.start();
    postgres.then(
      ({ url }) => socket.end(url),
      (error: unknown) => socket.end(String(error)),
    );
  });
  offer.listen(0, '127.0.0.1');
  await once(offer, 'listening');
  process.env.TEST_DATABASE_OFFER = String((offer.address() as AddressInfo).port);
}

export async function withdrawPostgres(): Promise<void> {
  offer?.close();
  offer = undefined;
  // Those who asked were told when it didn't start.
  const started = await postgres?.catch(() => undefined);
  await started?.stop();
  postgres = undefined;
}
