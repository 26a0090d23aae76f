/** openworkflow on SQLite: three child workflows, whose results are asked for. https://openworkflow.dev */
import { OpenWorkflow } from 'openworkflow';
import { BackendSqlite } from 'openworkflow/sqlite';
import { PIECES, serve, work } from './job.mjs';

const backend = BackendSqlite.connect(process.env.DATABASE_FILE);
const ow = new OpenWorkflow({ backend });
const piece = ow.defineWorkflow({ name: 'piece' }, ({ input, step }) =>
  step.run({ name: 'work' }, () => work(input.id, input.piece)),
);
await ow.newWorker({ concurrency: 1_000 }).start();

serve(async (id) => {
  const handles = await Promise.all(PIECES.map((each) => piece.run({ id, piece: each })));
  return Promise.any(handles.map((handle) => handle.result()));
});
