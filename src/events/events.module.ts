import { Module } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { EventEmitterModule } from '@nestjs/event-emitter';
import { EventBus } from './event-bus.js';
import { RunEventListeners } from './run-event-listeners.js';

@Module({
  imports: [DiscoveryModule, EventEmitterModule.forRoot()],
  providers: [EventBus, RunEventListeners],
  exports: [EventBus],
})
export class EventsModule {}
