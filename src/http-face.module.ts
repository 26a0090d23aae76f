import { Module } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import { SessionController } from './access/session.controller.js';
import { Sessions } from './access/sessions.js';
import { StreamTokens } from './access/stream-tokens.js';
import { AdminController } from './admin/admin.controller.js';
import { NodesController } from './admin/nodes.controller.js';
import { QueueController } from './admin/queue.controller.js';
import { ProblemsController } from './api/problems.controller.js';
import { BreakersController } from './breakers/breakers.controller.js';
import { CoreModule } from './core.module.js';
import { EventFeed } from './feed/event-feed.js';
import { EventsController } from './feed/events.controller.js';
import { RunStreamController } from './feed/run-stream.controller.js';
import { RunStreams } from './feed/run-streams.js';
import { StreamTokensController } from './feed/stream-tokens.controller.js';
import { HealthController } from './health/health.controller.js';
import { RunsController } from './history/runs.controller.js';
import { ConnectionMemory } from './http/connection-memory.js';
import { Refusals } from './http/refusals.js';
import { ChatController } from './openai/chat.controller.js';
import { Journal } from './run/journal.js';
import { StatsController } from './stats/stats.controller.js';
import { TasksFileController } from './tasks-file/tasks-file.controller.js';
import { TasksSchemaController } from './tasks-file/tasks-schema.controller.js';
import { RunBatchesController } from './tasks/run-batches.controller.js';
import { StreamedAnswers } from './tasks/streamed-answers.js';
import { TasksController } from './tasks/tasks.controller.js';
import { DeliveryRecords } from './webhooks/delivery-records.js';
import { DeliveriesController } from './webhooks/deliveries.controller.js';
import { ShownWebhooks } from './webhooks/shown-webhooks.js';
import { WebhookActionsController } from './webhooks/webhook-actions.controller.js';
import { Webhooks } from './webhooks/webhooks.js';
import { WebhooksController } from './webhooks/webhooks.controller.js';
import { WhatIfController } from './what-if/what-if.controller.js';
import { WhatIfs } from './what-if/what-ifs.js';

/** The controllers and filters of the HTTP face. */
@Module({
  imports: [CoreModule, TerminusModule.forRoot({ logger: false })],
  controllers: [
    TasksController,
    RunBatchesController,
    ChatController,
    StatsController,
    WhatIfController,
    AdminController,
    NodesController,
    QueueController,
    BreakersController,
    TasksSchemaController,
    TasksFileController,
    RunsController,
    EventsController,
    RunStreamController,
    StreamTokensController,
    WebhooksController,
    WebhookActionsController,
    DeliveriesController,
    HealthController,
    ProblemsController,
    SessionController,
  ],
  providers: [
    ConnectionMemory,
    WhatIfs,
    EventFeed,
    RunStreams,
    { provide: StreamedAnswers, useExisting: RunStreams },
    Refusals,
    Webhooks,
    ShownWebhooks,
    DeliveryRecords,
    { provide: StreamTokens, inject: [Journal], useFactory: (journal: Journal) => new StreamTokens(journal) },
    { provide: Sessions, inject: [Journal], useFactory: (journal: Journal) => new Sessions(journal) },
  ],
  exports: [ConnectionMemory],
})
export class HttpFaceModule {}
