import { Global, Module } from '@nestjs/common';
import { Breakers } from '../run/breakers.js';
import { TaskRegistryModule } from '../tasks/task-registry.module.js';
import { KeptBreakers } from './kept-breakers.js';

/** Global, so that the code that executes sub-tasks can ask breakers without importing them. */
@Global()
@Module({
  imports: [TaskRegistryModule],
  providers: [KeptBreakers, { provide: Breakers, useExisting: KeptBreakers }],
  exports: [Breakers, KeptBreakers],
})
export class BreakersModule {}
