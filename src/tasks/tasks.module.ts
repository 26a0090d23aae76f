import { Module } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { EngineModule } from '../engine/engine.module.js';
import { EventsModule } from '../events/events.module.js';
import { JournalModule } from '../journal/journal.module.js';
import { TaskRegistry } from './task-registry.js';
import { TasksController } from './tasks.controller.js';
import { TasksService } from './tasks.service.js';

@Module({
  imports: [DiscoveryModule, EngineModule, EventsModule, JournalModule],
  controllers: [TasksController],
  providers: [TaskRegistry, TasksService],
  exports: [TasksService],
})
export class TasksModule {}
