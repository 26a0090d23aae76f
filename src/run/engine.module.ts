import { Module } from '@nestjs/common';
import { JournalModule } from '../journal/journal.module.js';
import { EmbeddedEngine } from './embedded-engine.js';

@Module({ imports: [JournalModule], providers: [EmbeddedEngine], exports: [EmbeddedEngine] })
export class EngineModule {}
