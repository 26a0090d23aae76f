import type { RunPosition } from '../run/journal.js';

/** A place in the history, as callers carry it from page to page. */
export function cursorOf({ createdAt, number }: RunPosition): string {
  return Buffer.from(`${createdAt}.${number}`).toString('base64url');
}

/** The place that a cursor stands for; undefined when it is none that {@link cursorOf} made. */
export function positionOf(cursor: string): RunPosition | undefined {
  const [createdAt, number] = Buffer.from(cursor, 'base64url').toString().split('.').map(Number);
  if (!Number.isSafeInteger(createdAt) || !Number.isSafeInteger(number)) return undefined;
  const position = { createdAt, number } as RunPosition;
  return cursorOf(position) === cursor ? position : undefined;
}
