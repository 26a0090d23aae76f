import type { EventType, RunEvent } from '../core/events.js';
import type { OriginFields } from '../core/run-origin.js';

/** The types of run events, or the kinds of webhook events, that a method listens to. */
export const LISTENS_TO = Symbol('listens to');

/**
 * Makes a method of a provider listen to events of the given types; it is also given what its log lines should say of
 * the request that the run came with. What it throws, or rejects with, is logged with its name and the event, and goes no further.
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
