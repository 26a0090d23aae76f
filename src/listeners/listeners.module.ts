import { Module } from '@nestjs/common';
import { EventsModule } from '../events/events.module.js';
import { LogListener } from './log.listener.js';
import { WebhookLogListener } from './webhook-log.listener.js';
import { WebhookTraceListener } from './webhook-trace.listener.js';

/** The side effects of events. One listener a file; list it here. */
@Module({ imports: [EventsModule], providers: [LogListener, WebhookLogListener, WebhookTraceListener] })
export class ListenersModule {}
