import { Module } from '@nestjs/common';
import { JournalModule } from '../journal/journal.module.js';
import { RunsController } from './runs.controller.js';

@Module({ imports: [JournalModule], controllers: [RunsController] })
export class RunsModule {}
