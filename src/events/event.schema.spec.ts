import { expect, test } from '@jest/globals';
import type { z } from 'zod';
import type { JsonValue } from '../tasks/json.js';
import { type EVENT_TYPES, type EventType, type RunEvent } from './catalog.js';
import type { runEventSchema } from './event.schema.js';

type Frozen<T> = JsonValue extends T ? T : T extends object ? { readonly [K in keyof T]: Frozen<T[K]> } : T;
type Described = Frozen<z.infer<typeof runEventSchema>>;
type Same<A, B> = [A, B] extends [B, A] ? true : false;

const same: Same<Described, RunEvent> = true;
const all: Same<(typeof EVENT_TYPES)[number], EventType> = true;

test('the description of events and their types say the same', () => {
  expect([same, all]).toEqual([true, true]);
});
