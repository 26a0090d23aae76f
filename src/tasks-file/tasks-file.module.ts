import { Module } from '@nestjs/common';
import { RunModule } from '../run/run.module.js';
import { TaskRegistryModule } from '../tasks/task-registry.module.js';
import { MemoryBudgetModule } from '../run/memory-budget.module.js';
import { FileTasks } from './file-tasks.js';

/** Tasks that are declared in a file: see TASKS_FILE. */
@Module({
  imports: [RunModule, TaskRegistryModule, MemoryBudgetModule],
  providers: [FileTasks],
  exports: [FileTasks],
})
export class TasksFileModule {}
