import { Global, Inject, Module, type OnApplicationShutdown } from '@nestjs/common';
import { CONFIG, type Config } from './config/config.js';
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
      inject: [CONFIG, EventBus, MemoryBudget],
      useFactory: async (config: Config, bus: EventBus, memory: MemoryBudget): Promise<Journal> => {
        const database = config.DATABASE_URL;
        if (database.kind === 'memory') {
          const { MemoryJournal } = await import('./journal/memory/memory-journal.js');
          return new MemoryJournal(bus, config.IDEMPOTENCY_RETENTION, memory);
        }
        const retentionMs = config.RUN_RETENTION;
        const keyRetentionMs = config.IDEMPOTENCY_RETENTION;
        if (database.kind === 'postgres') {
          const { PostgresJournal } = await import('./journal/postgres/postgres-journal.js');
          const { SubTaskQueue } = await import('./journal/postgres/sub-task-queue.js');
          const { url } = database;
          const role = config.ROLE;
          const schema = config.DATABASE_SCHEMA;
          const options = { url, schema, role, retentionMs, keyRetentionMs };
          return PostgresJournal.open(options, bus, new SubTaskQueue(options), memory);
        }
        const { SqliteJournal } = await import('./journal/sqlite/sqlite-journal.js');
        const { path } = database;
        const durability = config.JOURNAL_DURABILITY;
        return SqliteJournal.open({ path, durability, retentionMs, keyRetentionMs }, bus, memory);
      },
    },
  ],
  exports: [Journal],
})
export class JournalModule implements OnApplicationShutdown {
  constructor(@Inject(Journal) private readonly journal: Journal) {}

  /** Called when the server is closed: until then callers read. */
  async onApplicationShutdown(): Promise<void> {
    await this.journal.close();
  }
}
