import { Module } from '@nestjs/common';
import { BreakersModule } from './breakers/breakers.module.js';
import { ClusterModule } from './cluster/cluster.module.js';
import { JournalModule } from './journal.module.js';
import { ListenersModule } from './listeners/listeners.module.js';
import { SealModule } from './seal.module.js';
import { StatsModule } from './stats/stats.module.js';
import { TasksFileModule } from './tasks-file/tasks-file.module.js';
import { TelemetryModule } from './telemetry/telemetry.module.js';
import { TasksModule } from './tasks/tasks.module.js';
import { TracingModule } from './tracing.module.js';
import { WebhooksModule } from './webhooks/webhooks.module.js';

const modules = [
  TracingModule,
  JournalModule,
  SealModule,
  TasksModule,
  StatsModule,
  BreakersModule,
  ClusterModule,
  TasksFileModule,
  ListenersModule,
  TelemetryModule,
  WebhooksModule,
];

/** Everything that runs tasks, without HTTP. The configuration comes from `ConfigModule`. */
@Module({ imports: modules, exports: modules })
export class CoreModule {}
