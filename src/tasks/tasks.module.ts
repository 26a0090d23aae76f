import { Module } from '@nestjs/common';
import { RunModule } from '../run/run.module.js';
import { EventsModule } from '../events/events.module.js';
import { IdempotentRuns } from './idempotent-runs.js';
import { Recovery } from './recovery.js';
import { RunBatches } from './run-batches.js';
import { RunBatchesController } from './run-batches.controller.js';
import { RunControl } from './run-control.js';
import { RecordedRuns } from './recorded-runs.js';
import { RunWatch } from './run-watch.js';
import { TaskRegistryModule } from './task-registry.module.js';
import { TasksController } from './tasks.controller.js';
import { TasksService } from './tasks.service.js';

@Module({
  imports: [RunModule, EventsModule, TaskRegistryModule],
  controllers: [TasksController, RunBatchesController],
  providers: [RunWatch, IdempotentRuns, TasksService, RunBatches, RecordedRuns, Recovery, RunControl],
  exports: [TasksService, RunWatch, RunControl, RecordedRuns],
})
export class TasksModule {}
