import { Global, Module } from '@nestjs/common';
import { EventsModule } from '../events/events.module.js';
import { TaskRegistryModule } from '../tasks/task-registry.module.js';
import { MemoryBudgetModule } from '../run/memory-budget.module.js';
import { ReplyTimes } from '../run/reply-times.js';
import { StatisticsKeeper } from './statistics-keeper.js';
import { TaskStatistics } from './task-statistics.js';

/** Global, so that code that starts hedges can use learnt times without importing this module. */
@Global()
@Module({
  imports: [EventsModule, TaskRegistryModule, MemoryBudgetModule],
  providers: [TaskStatistics, { provide: ReplyTimes, useExisting: TaskStatistics }, StatisticsKeeper],
  exports: [ReplyTimes, TaskStatistics],
})
export class StatsModule {}
