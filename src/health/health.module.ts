import { Module } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import { RunModule } from '../run/run.module.js';
import { HealthController } from './health.controller.js';

@Module({
  imports: [TerminusModule.forRoot({ logger: false }), RunModule],
  controllers: [HealthController],
})
export class HealthModule {}
