import type { DeliveryPosition } from '../run/webhook-keeping.js';

type Place = Omit<DeliveryPosition, 'webhook'>;

/** A place among the deliveries of a webhook, as callers carry it from page to page. */
export function cursorOf({ event, target }: Place): string {
  return Buffer.from(`${event}.${target}`).toString('base64url');
}

/** The place that a cursor stands for; undefined when it is none that {@link cursorOf} made. */
export function positionOf(cursor: string): Place | undefined {
  const [event, target] = Buffer.from(cursor, 'base64url').toString().split('.').map(Number);
  if (!Number.isSafeInteger(event) || !Number.isSafeInteger(target)) return undefined;
  const place = { event, target } as Place;
  return cursorOf(place) === cursor ? place : undefined;
}
