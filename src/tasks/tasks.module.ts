import { Module } from '@nestjs/common';
import { RunModule } from '../run/run.module.js';
import { EventsModule } from '../events/events.module.js';
import { CoalescedRuns } from './coalesced-runs.js';
import { HeldKeys } from './held-keys.js';
import { IdempotentRuns } from './idempotent-runs.js';
import { PastReplies } from './past-replies.js';
import { Recovery } from './recovery.js';
import { RunBatches } from './run-batches.js';
import { RunControl } from './run-control.js';
import { RecordedRuns } from './recorded-runs.js';
import { RunWebhooks } from './run-webhooks.js';
import { RunReplies } from './run-replies.js';
import { RunWatch } from './run-watch.js';
import { TaskRegistryModule } from './task-registry.module.js';
import { TasksService } from './tasks.service.js';

@Module({
  imports: [RunModule, EventsModule, TaskRegistryModule],
  providers: [
    RunWebhooks,
    RunWatch,
    IdempotentRuns,
    RunReplies,
    PastReplies,
    HeldKeys,
    CoalescedRuns,
    TasksService,
    RunBatches,
    RecordedRuns,
    Recovery,
    RunControl,
  ],
  exports: [
    RunModule,
    EventsModule,
    TaskRegistryModule,
    TasksService,
    RunWatch,
    RunWebhooks,
    RunBatches,
    RunControl,
    RecordedRuns,
  ],
})
export class TasksModule {}
