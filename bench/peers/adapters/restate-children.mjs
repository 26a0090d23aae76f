/** Restate: a service that calls three others and races them; those that lose are invocations of their own. https://docs.restate.dev */
import * as restate from '@restatedev/restate-sdk';
import { call, PIECES, serve, work } from './job.mjs';

const piece = restate.service({
  name: 'Piece',
  handlers: { work: (ctx, { id, piece }) => ctx.run('work', () => work(id, piece)) },
});
const job = restate.service({
  name: 'Job',
  handlers: {
    run: (ctx, id) =>
      restate.RestatePromise.race(PIECES.map((each) => ctx.serviceClient(piece).work({ id, piece: each }))),
  },
});

await restate.serve({ services: [piece, job], port: Number(process.env.ENDPOINT_PORT) });
serve((id) => call('Job/run', id));
