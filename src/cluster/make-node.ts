import type { Config } from '../config/config.js';
import type { Measures } from '../core/measures.js';
import type { EventBus } from '../events/event-bus.js';
import type { PostgresJournal } from '../journal/postgres/postgres-journal.js';
import type { Runs } from '../run/runs.js';
import type { RecordedRuns } from '../tasks/recorded-runs.js';
import type { RunControl } from '../tasks/run-control.js';
import type { TaskRegistry } from '../tasks/task-registry.js';
import { ClusterNode } from './cluster-node.js';
import { ClusterStore } from './cluster-store.js';
import { Heartbeat } from './heartbeat.js';
import { PlacedWork } from './placed-work.js';
import { RequestedRuns } from './requested-runs.js';
import { Taking } from './taking.js';
import { Takeover } from './takeover.js';
import { WaitingRuns } from './waiting-runs.js';

type NodeTerms = Pick<Config, 'UNKNOWN_TASK_GRACE' | 'ROLE' | 'NODE_TIMEOUT' | 'MAX_CONCURRENT_SUB_TASKS'>;

/** Makes this process a node, with all of its parts. */
export function makeNode(
  { UNKNOWN_TASK_GRACE, ROLE, NODE_TIMEOUT, MAX_CONCURRENT_SUB_TASKS }: NodeTerms,
  journal: PostgresJournal,
  bus: EventBus,
  runs: Runs,
  registry: TaskRegistry,
  recorded: RecordedRuns,
  control: RunControl,
  measures: Measures,
): ClusterNode {
  const store = new ClusterStore(journal);
  const takeover = new Takeover(journal, runs, registry, recorded);
  const waiting = new WaitingRuns(journal, UNKNOWN_TASK_GRACE);
  const work = new PlacedWork(journal, store, bus, runs, registry, recorded);
  const taking = new Taking(journal, work, ROLE);
  const requested = new RequestedRuns(journal, runs, registry);
  const heartbeat = new Heartbeat(journal.options, NODE_TIMEOUT, journal.clock, MAX_CONCURRENT_SUB_TASKS);
  return new ClusterNode(
    {
      measures,
      journal,
      store,
      heartbeat,
      runs,
      registry,
      control,
      takeover,
      waiting,
      work,
      taking,
      requested,
    },
    NODE_TIMEOUT,
  );
}
