import { Module } from '@nestjs/common';
import { ClusterModule } from '../cluster/cluster.module.js';
import { TasksModule } from '../tasks/tasks.module.js';
import { AdminController } from './admin.controller.js';

@Module({ imports: [ClusterModule, TasksModule], controllers: [AdminController] })
export class AdminModule {}
