import { z } from 'zod';
import type { JsonValue } from './json.js';
import { stepsOf } from './json-pointer.js';

/** The text that the journal keeps in place of a redacted value. */
export const REDACTED = '[redacted]';

/** The values that the journal must not have, in the input and in the result of each sub-task. Each is a list of steps. */
export interface Redaction {
  readonly input: readonly (readonly string[])[];
  readonly result: readonly (readonly string[])[];
}

export const keepInputSchema = z.boolean().meta({
  description:
    'Whether the journal keeps the input. With false it has "[redacted]" instead, and sub-tasks that a crash interrupts fail with input-not-kept, since nothing is left to begin them with. Default true.',
  examples: [false],
});

export const redactSchema = z
  .array(
    z
      .string()
      .regex(
        /^\/(?:input(?=\/)|result(?=\/|$))(?:\/(?:[^~/]|~[01])*)*$/,
        'takes a JSON Pointer below /input or from /result on, such as /input/card/number or /result/token; write keepInput: false for the whole input',
      ),
  )
  .min(1)
  .meta({
    description:
      'JSON Pointers to values that the journal must not have: below /input, and below /result in the result of each sub-task. It has "[redacted]" instead. Callers that wait get the results whole. A run whose input lacks something so can’t begin sub-tasks again after a crash: they fail with input-not-kept.',
    examples: [['/input/card/number', '/result/token']],
  });

/** Reads a task's options. Undefined where the journal may have everything. */
export function redactionOf(keepInput = true, pointers: readonly string[] = []): Redaction | undefined {
  if (keepInput && pointers.length === 0) return undefined;
  const all = pointers.map(stepsOf);
  const below = (root: string) => all.filter(([first]) => first === root).map(([, ...steps]) => steps);
  return { input: keepInput ? below('input') : [[]], result: below('result') };
}

/** A copy with {@link REDACTED} in place of each value that `places` lead to. The value itself where they lead to nothing. */
export function redacted(value: JsonValue, places: Redaction['input']): JsonValue {
  return places.reduce(without, value);
}

function without(value: JsonValue, [step, ...rest]: readonly string[]): JsonValue {
  if (step === undefined) return REDACTED;
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return value;
  const members = value as Readonly<Record<string, JsonValue>>;
  const inner = without(members[step] ?? null, rest);
  if (inner === members[step]) return value;
  if (!Array.isArray(value)) return { ...members, [step]: inner };
  const items = value as readonly JsonValue[];
  return step === 'length' ? items : items.with(Number(step), inner);
}
