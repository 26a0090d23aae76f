import { Module } from '@nestjs/common';
import { EventsModule } from '../events/events.module.js';
import { MemoryJournal } from './memory-journal.js';

@Module({ imports: [EventsModule], providers: [MemoryJournal], exports: [MemoryJournal] })
export class JournalModule {}
