import { Module } from '@nestjs/common';
import { EngineModule } from '../run/engine.module.js';
import { EventsModule } from '../events/events.module.js';
import { JournalModule } from '../journal/journal.module.js';
import { StatsModule } from '../stats/stats.module.js';
import { IdempotentRuns } from './idempotent-runs.js';
import { Recovery } from './recovery.js';
import { RunControl } from './run-control.js';
import { RunCoordinator } from '../run/run-coordinator.js';
import { RunResumer } from './run-resumer.js';
import { RunWatch } from './run-watch.js';
import { StaggeredStarts } from '../run/staggered-starts.js';
import { TaskRegistryModule } from './task-registry.module.js';
import { TasksController } from './tasks.controller.js';
import { TasksService } from './tasks.service.js';

@Module({
  imports: [EngineModule, EventsModule, JournalModule, StatsModule, TaskRegistryModule],
  controllers: [TasksController],
  providers: [
    StaggeredStarts,
    RunCoordinator,
    RunWatch,
    IdempotentRuns,
    TasksService,
    RunResumer,
    Recovery,
    RunControl,
  ],
  exports: [TasksService, RunWatch, RunControl, RunCoordinator, RunResumer],
})
export class TasksModule {}
