import { Module } from '@nestjs/common';
import { EventsModule } from '../events/events.module.js';
import { RunModule } from '../run/run.module.js';
import { ConnectionMemory } from '../http/connection-memory.js';
import { TasksModule } from '../tasks/tasks.module.js';
import { EventFeed } from '../feed/event-feed.js';
import { StreamTokensController } from '../feed/stream-tokens.controller.js';
import { StreamTokens } from '../access/stream-tokens.js';
import { Journal } from '../run/journal.js';
import { EventsController } from '../feed/events.controller.js';
import { RunsController } from './runs.controller.js';

@Module({
  imports: [EventsModule, RunModule, TasksModule],
  controllers: [RunsController, EventsController, StreamTokensController],
  providers: [
    ConnectionMemory,
    EventFeed,
    { provide: StreamTokens, inject: [Journal], useFactory: (journal: Journal) => new StreamTokens(journal) },
  ],
})
export class RunsModule {}
