/** DBOS: a workflow with three steps at once, which sets an event for the caller at the first result. https://docs.dbos.dev */
import { DBOS } from '@dbos-inc/dbos-sdk';
import { PIECES, serve, work } from './job.mjs';

const job = DBOS.registerWorkflow(
  async (id) => {
    const pieces = PIECES.map((piece) => DBOS.runStep(() => work(id, piece), { name: `piece-${piece}` }));
    await DBOS.setEvent('first', await Promise.any(pieces));
    await Promise.allSettled(pieces);
  },
  { name: 'job' },
);

DBOS.setConfig({
  name: 'bench',
  systemDatabaseUrl: process.env.DATABASE_URL,
  runAdminServer: false,
  logLevel: 'error',
});
await DBOS.launch();

serve(async (id) => {
  const { workflowID } = await DBOS.startWorkflow(job, { workflowID: id })(id);
  return DBOS.getEvent(workflowID, 'first', { timeoutSeconds: 60 });
});
