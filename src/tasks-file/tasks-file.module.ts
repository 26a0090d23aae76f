import { Module } from '@nestjs/common';
import { RunModule } from '../run/run.module.js';
import { TaskRegistryModule } from '../tasks/task-registry.module.js';
import { MemoryBudgetModule } from '../run/memory-budget.module.js';
import { FileTasks } from './file-tasks.js';
import { TasksFileController } from './tasks-file.controller.js';
import { TasksSchemaController } from './tasks-schema.controller.js';

/** Tasks that are declared in a file: see TASKS_FILE. */
@Module({
  imports: [RunModule, TaskRegistryModule, MemoryBudgetModule],
  controllers: [TasksSchemaController, TasksFileController],
  providers: [FileTasks],
})
export class TasksFileModule {}
