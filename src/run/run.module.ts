import { Module } from '@nestjs/common';
import { JournalModule } from '../journal/journal.module.js';
import { StatsModule } from '../stats/stats.module.js';
import { Execution } from './execution.js';
import { Runs } from './runs.js';
import { StartPlans } from './start-plans.js';

@Module({ imports: [JournalModule, StatsModule], providers: [Execution, StartPlans, Runs], exports: [Runs] })
export class RunModule {}
