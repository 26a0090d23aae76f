import { getHeapStatistics } from 'node:v8';
import { Module } from '@nestjs/common';
import { ConfigService } from '@nestjs/config';
import type { Config } from '../config/config.js';
import { MemoryBudget } from '../core/memory-budget.js';
import { Execution } from './execution.js';
import { Runs } from './runs.js';
import { StartPlans } from './start-plans.js';

/** Of the memory that V8 may use for objects. */
const SHARE_OF_HEAP = 1 / 4;

const memoryBudget = {
  provide: MemoryBudget,
  inject: [ConfigService],
  useFactory: (config: ConfigService<Config, true>) => {
    const limit: number | null = config.get('MEMORY_BUDGET', { infer: true });
    return new MemoryBudget(limit ?? getHeapStatistics().heap_size_limit * SHARE_OF_HEAP);
  },
};

@Module({ providers: [memoryBudget, Execution, StartPlans, Runs], exports: [MemoryBudget, Runs] })
export class RunModule {}
