import { Module } from '@nestjs/common';
import { Execution } from './execution.js';
import { Runs } from './runs.js';
import { StartPlans } from './start-plans.js';

@Module({ providers: [Execution, StartPlans, Runs], exports: [Runs] })
export class RunModule {}
