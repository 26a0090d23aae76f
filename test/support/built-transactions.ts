/** Starts the built service by its own main.js, and gives what starts runs in transactions there, and what waits for replies. */
import { flushCompileCache } from 'node:module';
import { Module, type Type } from '@nestjs/common';
import type * as moduleFile from '../../src/cluster/cluster.module.js';
import type * as startFile from '../../src/cluster/start-in-transaction.js';
import type * as tasksFile from '../../src/tasks/tasks.service.js';
import type * as tasksModuleFile from '../../src/tasks/tasks.module.js';

const built = (file: string) => new URL(`../../dist/${file}`, import.meta.url).href;
const { StartInTransaction } = (await import(built('cluster/start-in-transaction.js'))) as typeof startFile;
const { ClusterModule } = (await import(built('cluster/cluster.module.js'))) as typeof moduleFile;
const { TasksModule } = (await import(built('tasks/tasks.module.js'))) as typeof tasksModuleFile;
const { TasksService } = (await import(built('tasks/tasks.service.js'))) as typeof tasksFile;
const { AppModule } = (await import(built('app.module.js'))) as { AppModule: Type };

const parts: unknown[] = [];
class PartsModule {}
Module({
  imports: [ClusterModule, TasksModule],
  providers: [
    {
      provide: 'parts',
      inject: [StartInTransaction, TasksService],
      useFactory: (...given: unknown[]) => parts.push(...given),
    },
  ],
})(PartsModule);
const imports = (Reflect.getMetadata('imports', AppModule) ?? []) as Type[];
Reflect.defineMetadata('imports', [...imports, PartsModule], AppModule);
await import(built('main.js'));
// A process that is killed has no end to do that at.
flushCompileCache();

const [transactions, tasks] = parts as [startFile.StartInTransaction, tasksFile.TasksService];
export const service = { transactions, tasks };
