import { Module } from '@nestjs/common';
import { MemoryBudget } from '../core/memory-budget.js';
import { MemoryBudgetModule } from '../run/memory-budget.module.js';
import { Upstreams } from './upstreams.js';

@Module({
  imports: [MemoryBudgetModule],
  providers: [
    {
      provide: Upstreams,
      inject: [MemoryBudget],
      useFactory: (memory: MemoryBudget) => new Upstreams(undefined, memory),
    },
  ],
  exports: [Upstreams],
})
export class UpstreamsModule {}
