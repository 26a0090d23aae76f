import type { Measures } from '../core/measures.js';
import type { PostgresJournal } from '../journal/postgres/postgres-journal.js';
import type { RunControl } from '../tasks/run-control.js';
import type { Runs } from '../run/runs.js';
import type { TaskRegistry } from '../tasks/task-registry.js';
import type { Heartbeat } from './heartbeat.js';
import type { RequestedRuns } from './requested-runs.js';
import type { Taking } from './taking.js';
import type { Takeover } from './takeover.js';
import type { WaitingRuns } from './waiting-runs.js';
import type { ClusterStore } from './cluster-store.js';
import type { PlacedWork } from './placed-work.js';

/** The parts that a node consists of. */
export interface NodeParts {
  readonly measures: Measures;
  readonly journal: PostgresJournal;
  readonly store: ClusterStore;
  readonly heartbeat: Heartbeat;
  readonly runs: Runs;
  readonly registry: TaskRegistry;
  readonly control: RunControl;
  readonly takeover: Takeover;
  readonly waiting: WaitingRuns;
  readonly work: PlacedWork;
  readonly taking: Taking;
  readonly requested: RequestedRuns;
}
