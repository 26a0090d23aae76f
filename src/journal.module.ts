import { Global, Inject, Module, type OnApplicationShutdown } from '@nestjs/common';
import { ConfigService } from '@nestjs/config';
import type { Config } from './config/config.js';
import { EventBus } from './events/event-bus.js';
import { EventsModule } from './events/events.module.js';
import { MemoryBudget } from './core/memory-budget.js';
import { Journal } from './run/journal.js';
import { MemoryBudgetModule } from './run/memory-budget.module.js';

/**
 * Chooses the journal, and loads that one alone: the drivers take their time. Global, so that no folder has to import the databases
 * to use one.
 */
@Global()
@Module({
  imports: [EventsModule, MemoryBudgetModule],
  providers: [
    {
      provide: Journal,
      inject: [ConfigService, EventBus, MemoryBudget],
      useFactory: async (
        config: ConfigService<Config, true>,
        bus: EventBus,
        memory: MemoryBudget,
      ): Promise<Journal> => {
        const database = config.get('DATABASE_URL', { infer: true });
        if (database.kind === 'memory') {
          const { MemoryJournal } = await import('./journal/memory/memory-journal.js');
          return new MemoryJournal(bus, config.get('IDEMPOTENCY_RETENTION', { infer: true }), memory);
        }
        const retentionMs = config.get('RUN_RETENTION', { infer: true });
        const keyRetentionMs = config.get('IDEMPOTENCY_RETENTION', { infer: true });
        if (database.kind === 'postgres') {
          const { PostgresJournal } = await import('./journal/postgres/postgres-journal.js');
          const { SubTaskQueue } = await import('./journal/postgres/sub-task-queue.js');
          const { url } = database;
          const role = config.get('ROLE', { infer: true });
          const schema = config.get('DATABASE_SCHEMA', { infer: true });
          const options = { url, schema, role, retentionMs, keyRetentionMs };
          return PostgresJournal.open(options, bus, new SubTaskQueue(options), memory);
        }
        const { SqliteJournal } = await import('./journal/sqlite/sqlite-journal.js');
        const { path } = database;
        const durability = config.get('JOURNAL_DURABILITY', { infer: true });
        return SqliteJournal.open({ path, durability, retentionMs, keyRetentionMs }, bus, memory);
      },
    },
  ],
  exports: [Journal],
})
export class JournalModule implements OnApplicationShutdown {
  constructor(@Inject(Journal) private readonly journal: Journal) {}

  /** When the server is closed: until then callers read. */
  async onApplicationShutdown(): Promise<void> {
    await this.journal.close();
  }
}
