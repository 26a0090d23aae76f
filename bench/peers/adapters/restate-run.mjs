/**
 * Restate: a workflow with three `ctx.run` at once, which resolves a durable promise at the first result and then waits for the others; the caller waits
 * for the promise. https://docs.restate.dev/develop/ts/durable-promises
 */
import * as restate from '@restatedev/restate-sdk';
import { call, PIECES, serve, work } from './job.mjs';

const job = restate.workflow({
  name: 'Job',
  handlers: {
    run: async (ctx, id) => {
      const pieces = PIECES.map((piece) => ctx.run(`piece-${piece}`, () => work(id, piece)));
      await ctx.promise('first').resolve(await restate.RestatePromise.race(pieces));
      await restate.RestatePromise.allSettled(pieces);
    },
    first: (ctx) => ctx.promise('first'),
  },
});

await restate.serve({ services: [job], port: Number(process.env.ENDPOINT_PORT) });
serve(async (id) => {
  const [first] = await Promise.all([call(`Job/${id}/first`), call(`Job/${id}/run/send`, id)]);
  return first;
});
