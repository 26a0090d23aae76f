import { Module } from '@nestjs/common';
import { EventsModule } from '../events/events.module.js';
import { JournalModule } from '../journal/journal.module.js';
import { TaskRegistryModule } from '../tasks/task-registry.module.js';
import { ReplyTimes } from '../run/reply-times.js';
import { StatisticsKeeper } from './statistics-keeper.js';
import { StatsController } from './stats.controller.js';
import { TaskStatistics } from './task-statistics.js';

@Module({
  imports: [EventsModule, JournalModule, TaskRegistryModule],
  controllers: [StatsController],
  providers: [TaskStatistics, { provide: ReplyTimes, useExisting: TaskStatistics }, StatisticsKeeper],
  exports: [ReplyTimes],
})
export class StatsModule {}
