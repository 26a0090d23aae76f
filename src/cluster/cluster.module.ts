import { Module } from '@nestjs/common';
import { Measures } from '../core/measures.js';
import { CONFIG, type Config } from '../config/config.js';
import { RunModule } from '../run/run.module.js';
import { Runs } from '../run/runs.js';
import { EventBus } from '../events/event-bus.js';
import { EventsModule } from '../events/events.module.js';
import { Journal } from '../run/journal.js';
import type { PostgresJournal } from '../journal/postgres/postgres-journal.js';
import { RunControl } from '../tasks/run-control.js';
import { RecordedRuns } from '../tasks/recorded-runs.js';
import { TaskRegistry } from '../tasks/task-registry.js';
import { TaskRegistryModule } from '../tasks/task-registry.module.js';
import { TasksModule } from '../tasks/tasks.module.js';
import type { ClusterNode } from './cluster-node.js';
import { StartInTransaction } from './start-in-transaction.js';
import { CLUSTER_NODE, CLUSTER_OPERATIONS } from './cluster.tokens.js';
import type { ClusterOperations } from './operations.js';

/** Makes this process one of several nodes. Does nothing, and loads nothing, where only this process uses the database. */
@Module({
  imports: [RunModule, EventsModule, TaskRegistryModule, TasksModule],
  providers: [
    StartInTransaction,
    {
      provide: CLUSTER_OPERATIONS,
      inject: [CONFIG, Journal],
      useFactory: async (config: Config, journal: Journal): Promise<ClusterOperations | undefined> => {
        if (!isShared(config, journal)) return undefined;
        const { ClusterOperations } = await import('./operations.js');
        const { DeadSubTasks } = await import('./dead-sub-tasks.js');
        const { options, queue, store } = journal;
        const dead = queue && new DeadSubTasks(options.url, store.db, queue.boss);
        return new ClusterOperations(options, store.db, dead);
      },
    },
    {
      provide: CLUSTER_NODE,
      inject: [CONFIG, Journal, EventBus, Runs, TaskRegistry, RecordedRuns, RunControl, Measures],
      useFactory: async (
        config: Config,
        journal: Journal,
        bus: EventBus,
        runs: Runs,
        registry: TaskRegistry,
        recorded: RecordedRuns,
        control: RunControl,
        measures: Measures,
      ): Promise<ClusterNode | undefined> => {
        if (!isShared(config, journal)) return undefined;
        const { makeNode } = await import('./make-node.js');
        const terms = {
          UNKNOWN_TASK_GRACE: config.UNKNOWN_TASK_GRACE,
          ROLE: config.ROLE,
          NODE_TIMEOUT: config.NODE_TIMEOUT,
          MAX_CONCURRENT_SUB_TASKS: config.MAX_CONCURRENT_SUB_TASKS,
        };
        return makeNode(terms, journal, bus, runs, registry, recorded, control, measures);
      },
    },
  ],
  exports: [CLUSTER_OPERATIONS, StartInTransaction],
})
export class ClusterModule {}

function isShared(config: Config, _journal: Journal): _journal is PostgresJournal {
  return config.DATABASE_URL.kind === 'postgres';
}
