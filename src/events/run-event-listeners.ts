import { Inject, Injectable, Optional, type OnModuleInit } from '@nestjs/common';
import { DiscoveryService, MetadataScanner } from '@nestjs/core';
import { EventEmitter2 } from '@nestjs/event-emitter';
import { withoutWebhooks, type EventType, type RunEvent } from '../core/events.js';
import { HOST_PROVIDERS, type HostProviders } from '../core/host-providers.js';
import type { OriginFields } from '../core/run-origin.js';
import { loggerOf } from '../core/logger-of.js';
import type { WebhookEvent, WebhookEventKind } from '../core/webhook-event.js';
import { LISTENS_TO } from './on-run-event.decorator.js';

type Listener = (event: RunEvent | WebhookEvent, origin?: OriginFields) => unknown;

/**
 * Registers the methods with `@OnRunEvent` and `@OnWebhookEvent` on the emitter. Nest's `@OnEvent` isn't used: it makes two promises for
 * each call of a listener, which cost as much as the events themselves.
 */
@Injectable()
export class RunEventListeners implements OnModuleInit {
  private readonly logger = loggerOf('listener');

  constructor(
    private readonly discovery: DiscoveryService,
    private readonly methods: MetadataScanner,
    private readonly emitter: EventEmitter2,
    @Optional() @Inject(HOST_PROVIDERS) private readonly host?: HostProviders,
  ) {}

  onModuleInit(): void {
    const own = [...this.discovery.getProviders(), ...this.discovery.getControllers()];
    for (const { instance } of [...own, ...(this.host?.listeners() ?? [])])
      if (typeof instance === 'object' && instance !== null) this.listen(instance as object);
  }

  private listen(provider: object): void {
    const prototype = Object.getPrototypeOf(provider) as Record<string, Listener> | null;
    if (!prototype) return;
    for (const key of this.methods.getAllMethodNames(prototype)) {
      const method = prototype[key];
      if (!method) continue;
      const types = (Reflect.getMetadata(LISTENS_TO, method) ?? []) as readonly (
        EventType | WebhookEventKind
      )[];
      const name = `${provider.constructor.name}.${key}`;
      const guarded = this.guarded(method.bind(provider), name);
      for (const type of types) this.emitter.on(type, guarded);
    }
  }

  private guarded(listener: Listener, name: string): Listener {
    const failed = (
      event: RunEvent | WebhookEvent,
      origin: OriginFields | undefined,
      error: unknown,
    ): void => {
      this.logger.error({
        msg: `Listener ${name} failed on ${nameOf(event)}`,
        runId: 'runId' in event ? event.runId : undefined,
        subTask: 'subTask' in event ? event.subTask : undefined,
        ...origin,
        err: error,
      });
    };
    return (event, origin) => {
      try {
        const returned = listener('kind' in event ? event : withoutWebhooks(event), origin);
        if (returned instanceof Promise)
          returned.catch((error: unknown) => {
            failed(event, origin, error);
          });
      } catch (error) {
        failed(event, origin, error);
      }
    };
  }
}

function nameOf(event: RunEvent | WebhookEvent): string {
  return 'kind' in event ? `${event.kind} (${event.webhook})` : `${event.type} (event ${event.id})`;
}
