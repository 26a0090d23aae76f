import { Module } from '@nestjs/common';
import { ConfigService } from '@nestjs/config';
import type { Config } from '../config/config.js';
import { RunModule } from '../run/run.module.js';
import { Runs } from '../run/runs.js';
import { EventBus } from '../events/event-bus.js';
import { EventsModule } from '../events/events.module.js';
import { Journal } from '../run/journal.js';
import { PostgresJournal } from '../journal/postgres/postgres-journal.js';
import { RunControl } from '../tasks/run-control.js';
import { RecordedRuns } from '../tasks/recorded-runs.js';
import { TaskRegistry } from '../tasks/task-registry.js';
import { TaskRegistryModule } from '../tasks/task-registry.module.js';
import { TasksModule } from '../tasks/tasks.module.js';
import { ClusterNode } from './cluster-node.js';
import { ClusterOperations } from './operations.js';
import { ClusterStore } from './cluster-store.js';
import { Heartbeat } from './heartbeat.js';
import { PlacedWork } from './placed-work.js';
import { Taking } from './taking.js';
import { Takeover } from './takeover.js';
import { WaitingRuns } from './waiting-runs.js';

/** What makes this process one of several nodes. Nothing, where the database is this process’s alone. */
@Module({
  imports: [RunModule, EventsModule, TaskRegistryModule, TasksModule],
  providers: [
    {
      provide: ClusterOperations,
      inject: [Journal],
      useFactory: (journal: Journal): ClusterOperations | undefined =>
        journal instanceof PostgresJournal
          ? new ClusterOperations(journal.options, journal.store.db)
          : undefined,
    },
    {
      provide: ClusterNode,
      inject: [ConfigService, Journal, EventBus, Runs, TaskRegistry, RecordedRuns, RunControl],
      useFactory: (
        config: ConfigService<Config, true>,
        journal: Journal,
        bus: EventBus,
        runs: Runs,
        registry: TaskRegistry,
        recorded: RecordedRuns,
        control: RunControl,
      ): ClusterNode | undefined => {
        if (!(journal instanceof PostgresJournal)) return undefined;
        const store = new ClusterStore(journal);
        const takeover = new Takeover(journal, runs, registry, recorded);
        const waiting = new WaitingRuns(journal, config.get('UNKNOWN_TASK_GRACE', { infer: true }));
        const work = new PlacedWork(journal, store, bus, runs, registry, recorded);
        const taking = new Taking(journal, work, config.get('ROLE', { infer: true }));
        const timeoutMs = config.get('NODE_TIMEOUT', { infer: true });
        const heartbeat = new Heartbeat(journal.options, timeoutMs, journal.clock);
        return new ClusterNode(
          { journal, store, heartbeat, runs, registry, control, takeover, waiting, work, taking },
          timeoutMs,
        );
      },
    },
  ],
  exports: [ClusterOperations],
})
export class ClusterModule {}
