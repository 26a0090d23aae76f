import { Module } from '@nestjs/common';
import { EventsModule } from '../events/events.module.js';
import { MemoryBudgetModule } from '../run/memory-budget.module.js';
import { RunModule } from '../run/run.module.js';
import { TasksFileModule } from '../tasks-file/tasks-file.module.js';
import { Deliverer } from './deliverer.js';
import { Receivers } from './receivers.js';
import { Sender } from './sender.js';
import { Signatures } from './signatures.js';
import { TestSender } from './test-sender.js';

/** Delivers events to webhooks. */
@Module({
  imports: [EventsModule, RunModule, MemoryBudgetModule, TasksFileModule],
  providers: [Receivers, Signatures, Sender, Deliverer, { provide: TestSender, useExisting: Deliverer }],
  exports: [Deliverer, TestSender],
})
export class WebhooksModule {}
