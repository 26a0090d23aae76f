import type { JsonValue } from '../core/json.js';

type JsonObject = Readonly<Record<string, JsonValue>>;

/** An answer of an OpenAI-shaped upstream, or a piece of one. */
export interface Frame {
  readonly choices: readonly JsonObject[];
  readonly usage?: JsonValue | undefined;
}

/** Members that each piece repeats. */
const SAID_ANEW: ReadonlySet<string> = new Set(['role', 'id', 'type', 'index']);

export function isFrame(value: JsonValue): value is JsonObject & Frame {
  return isObject(value) && Array.isArray(value.choices) && value.choices.every(isObject);
}

/** Puts the frames of a stream together: the choices, and the last usage. */
export function assembled(frames: readonly Frame[]): Frame {
  const choices = new Map<JsonValue, JsonObject>();
  for (const { delta, index = 0, ...rest } of frames.flatMap((frame) => frame.choices)) {
    const { message = { role: 'assistant', content: null }, ...before } = choices.get(index) ?? {};
    choices.set(index, { index, ...before, ...known(rest), message: goneOn(message, delta ?? {}) });
  }
  return { choices: [...choices.values()], usage: frames.findLast(({ usage }) => isObject(usage))?.usage };
}

/** Applies a delta to a value: texts are appended, and items of lists are matched by their `index`. */
function goneOn(value: JsonValue | undefined, delta: JsonValue): JsonValue {
  if (typeof value === 'string' && typeof delta === 'string') return value + delta;
  if (Array.isArray(delta)) return (delta as JsonValue[]).reduce(withItem, Array.isArray(value) ? value : []);
  if (!isObject(delta)) return delta;
  const whole: Record<string, JsonValue> = { ...(isObject(value) && value) };
  for (const [name, piece] of Object.entries(known(delta)))
    whole[name] = SAID_ANEW.has(name) ? piece : goneOn(whole[name], piece);
  return whole;
}

function withItem(items: JsonValue, delta: JsonValue): JsonValue {
  const list = items as readonly JsonValue[];
  const index = isObject(delta) ? delta.index : undefined;
  const at = list.findIndex((item) => isObject(item) && index !== undefined && item.index === index);
  return at < 0 ? [...list, goneOn(undefined, delta)] : list.with(at, goneOn(list[at], delta));
}

/** Leaves out members that are null, as pieces have them where they bring nothing. */
function known(members: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== null));
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
