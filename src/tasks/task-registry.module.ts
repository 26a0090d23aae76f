import { Module } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { TaskRegistry } from './task-registry.js';

/** A module of its own, for what must know the tasks before any is run. */
@Module({ imports: [DiscoveryModule], providers: [TaskRegistry], exports: [TaskRegistry] })
export class TaskRegistryModule {}
