import { getHeapStatistics } from 'node:v8';
import { Module } from '@nestjs/common';
import { CONFIG, type Config } from '../config/config.js';
import { Measures } from '../core/measures.js';
import { MemoryBudget } from '../core/memory-budget.js';

/** Share of V8's heap limit. */
const SHARE_OF_HEAP = 1 / 4;

/** A module of its own, because the journal counts there too, which runs need. */
@Module({
  providers: [
    Measures,
    {
      provide: MemoryBudget,
      inject: [CONFIG],
      useFactory: (config: Config) => {
        const bytes = config.MEMORY_BUDGET;
        return new MemoryBudget(bytes ?? getHeapStatistics().heap_size_limit * SHARE_OF_HEAP);
      },
    },
  ],
  exports: [Measures, MemoryBudget],
})
export class MemoryBudgetModule {}
