import { Module } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import { EngineModule } from '../run/engine.module.js';
import { JournalModule } from '../journal/journal.module.js';
import { HealthController } from './health.controller.js';

@Module({
  imports: [TerminusModule.forRoot({ logger: false }), EngineModule, JournalModule],
  controllers: [HealthController],
})
export class HealthModule {}
