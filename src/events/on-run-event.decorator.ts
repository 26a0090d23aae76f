import type { EventType, RunEvent } from '../core/events.js';
import type { OriginFields } from '../core/run-origin.js';

/** The types of run events, or the kinds of webhook events, that a method listens to. */
export const LISTENS_TO = Symbol('listens to');

/**
 * Makes a method of a provider listen to run events of the given types. Its second argument has the fields that its log lines should carry
 * about the request that started the run. If the method throws or rejects, this is logged with its name and the event; nothing else
 * happens.
 */
export function OnRunEvent<T extends EventType>(...types: readonly [T, ...T[]]) {
  return <Listener extends (event: RunEvent<T>, origin: OriginFields) => unknown>(
    _target: object,
    _key: string,
    { value }: TypedPropertyDescriptor<Listener>,
  ): void => {
    if (value) Reflect.defineMetadata(LISTENS_TO, types, value);
  };
}
