import { Logger } from '@nestjs/common';
import { OnEvent } from '@nestjs/event-emitter';
import type { OriginFields } from '../core/run-origin.js';
import type { EventType, RunEvent } from '../core/events.js';

const logger = new Logger('Listeners');

/**
 * Makes a method of a provider listen to events of the given types; it is also given what its log lines should say of
 * the request that the run came with. What it throws, or rejects with, is logged
 * with its name and the event, and goes no further.
 */
export function OnRunEvent<T extends EventType>(...types: readonly [T, ...T[]]) {
  return <Listener extends (event: RunEvent<T>, origin: OriginFields) => unknown>(
    target: object,
    key: string,
    descriptor: TypedPropertyDescriptor<Listener>,
  ): void => {
    const listener = descriptor.value;
    if (!listener) return;
    const failed = (event: RunEvent<T>, origin: OriginFields, error: unknown): void => {
      logger.error({
        msg: `Listener ${target.constructor.name}.${key} failed on ${event.type} (event ${event.id})`,
        runId: event.runId,
        subTask: 'subTask' in event ? event.subTask : undefined,
        ...origin,
        err: error,
      });
    };
    const guarded = function (this: unknown, event: RunEvent<T>, origin: OriginFields): void {
      try {
        const returned = listener.call(this, event, origin);
        if (returned instanceof Promise)
          returned.catch((error: unknown) => {
            failed(event, origin, error);
          });
      } catch (error) {
        failed(event, origin, error);
      }
    };
    descriptor.value = guarded as unknown as Listener;
    for (const type of types) OnEvent(type)(target, key, descriptor);
  };
}
