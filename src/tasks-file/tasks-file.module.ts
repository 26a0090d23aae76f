import { Module } from '@nestjs/common';
import { TaskRegistryModule } from '../tasks/task-registry.module.js';
import { MemoryBudgetModule } from '../run/memory-budget.module.js';
import { FileTasks } from './file-tasks.js';
import { TasksSchemaController } from './tasks-schema.controller.js';

/** Tasks that are declared in a file: see TASKS_FILE. */
@Module({
  imports: [TaskRegistryModule, MemoryBudgetModule],
  controllers: [TasksSchemaController],
  providers: [FileTasks],
})
export class TasksFileModule {}
