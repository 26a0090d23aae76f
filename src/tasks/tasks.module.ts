import { Module } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { EngineModule } from '../engine/engine.module.js';
import { EventsModule } from '../events/events.module.js';
import { JournalModule } from '../journal/journal.module.js';
import { Recovery } from './recovery.js';
import { RunCoordinator } from './run-coordinator.js';
import { TaskRegistry } from './task-registry.js';
import { TasksController } from './tasks.controller.js';
import { TasksService } from './tasks.service.js';

@Module({
  imports: [DiscoveryModule, EngineModule, EventsModule, JournalModule],
  controllers: [TasksController],
  providers: [TaskRegistry, RunCoordinator, TasksService, Recovery],
  exports: [TasksService],
})
export class TasksModule {}
