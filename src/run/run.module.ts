import { Module } from '@nestjs/common';
import { Execution } from './execution.js';
import { MemoryBudgetModule } from './memory-budget.module.js';
import { Runs } from './runs.js';
import { StartPlans } from './start-plans.js';

@Module({
  imports: [MemoryBudgetModule],
  providers: [Execution, StartPlans, Runs],
  exports: [MemoryBudgetModule, Runs],
})
export class RunModule {}
