import { Module } from '@nestjs/common';
import { EventsModule } from '../events/events.module.js';
import { RunModule } from '../run/run.module.js';
import { ConnectionMemory } from '../http/connection-memory.js';
import { TasksModule } from '../tasks/tasks.module.js';
import { EventFeed } from '../feed/event-feed.js';
import { EventsController } from '../feed/events.controller.js';
import { RunsController } from './runs.controller.js';

@Module({
  imports: [EventsModule, RunModule, TasksModule],
  controllers: [RunsController, EventsController],
  providers: [ConnectionMemory, EventFeed],
})
export class RunsModule {}
