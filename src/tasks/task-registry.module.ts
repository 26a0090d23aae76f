import { Module } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { TaskRegistry } from './task-registry.js';

/** A separate module, for parts that must know the tasks before any task is run. */
@Module({ imports: [DiscoveryModule], providers: [TaskRegistry], exports: [TaskRegistry] })
export class TaskRegistryModule {}
