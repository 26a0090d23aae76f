import { Module } from '@nestjs/common';
import { AdminModule } from './admin/admin.module.js';
import { ClusterModule } from './cluster/cluster.module.js';
import { AppConfigModule } from './config/config.module.js';
import { DemoModule } from './demo/demo.module.js';
import { HealthModule } from './health/health.module.js';
import { ApiModule } from './api/api.module.js';
import { ListenersModule } from './listeners/listeners.module.js';
import { JournalModule } from './journal.module.js';
import { LoggingModule } from './logging/logging.module.js';
import { RunsModule } from './history/runs.module.js';
import { StatsModule } from './stats/stats.module.js';
import { TasksFileModule } from './tasks-file/tasks-file.module.js';
import { TasksModule } from './tasks/tasks.module.js';

@Module({
  imports: [
    AppConfigModule,
    LoggingModule,
    JournalModule,
    TasksModule,
    StatsModule,
    ClusterModule,
    AdminModule,
    TasksFileModule,
    RunsModule,
    ListenersModule,
    HealthModule,
    ApiModule,
    DemoModule,
  ],
})
export class AppModule {}
