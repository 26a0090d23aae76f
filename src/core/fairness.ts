import { hash } from 'node:crypto';
import { z } from 'zod';
import { KeyTemplate, keyTemplateSchema } from './key-template.js';
import type { JsonValue } from './json.js';
import type { Labels } from './labels.js';
import type { Redaction } from './redaction.js';
import { clientName, type RunOrigin } from './run-origin.js';

/** Longest key, in characters. A longer key is shown and kept as its beginning and a hash. */
const MAX_KEY = 200;
const SHOWN_OF_LONG = 150;

/** How the runs of a task share slots: evenly among their keys, such as tenants. */
export interface Fairness {
  readonly key: KeyTemplate;
  /** How many of the task’s sub-tasks may run at once for one key on one node. Infinity: no bound per key. */
  readonly perKey: number;
}

export const concurrencyKeySchema = keyTemplateSchema.meta({
  description:
    'What runs are told apart by that share slots evenly, such as {labels.tenant}, {input.tenant} or {client}. Default: all wait in one line.',
  examples: ['{labels.tenant}'],
});

export const concurrencyPerKeySchema = z
  .int()
  .min(1)
  .meta({
    description:
      'How many sub-tasks of the task a key of concurrencyKey may have going at once on a node. Default: no bound of its own.',
    examples: [10],
  });

interface FairnessOptions {
  readonly concurrencyKey?: string | undefined;
  readonly concurrencyPerKey?: number | undefined;
}

/** Reads a task's options. Undefined where they name no key. @throws {Error} that says what is wrong with the options */
export function fairnessOf(
  { concurrencyKey, concurrencyPerKey }: FairnessOptions,
  redaction: Redaction | undefined,
): Fairness | undefined {
  const perKey = concurrencyPerKeySchema.optional().parse(concurrencyPerKey) ?? Infinity;
  const text = concurrencyKeySchema.optional().parse(concurrencyKey);
  if (text === undefined) {
    if (perKey === Infinity) return undefined;
    throw new Error('concurrencyPerKey bounds each key of concurrencyKey, which is missing; add it');
  }
  const key = KeyTemplate.parse(text);
  const hidden = (redaction?.input ?? []).some((steps) =>
    key.inputs.some((named) => named.every((step, at) => at >= steps.length || step === steps[at])),
  );
  if (!hidden) return { key, perKey };
  throw new Error(
    'it shows a value of the input that keepInput or redact keeps private; name another member, a label or {client}',
  );
}

/** The key of a run. Undefined where its task names no key, or the run lacks a value that the key names. */
export function runKeyOf(
  fairness: Fairness | undefined,
  input: JsonValue,
  labels: Labels | null | undefined,
  { clientId }: RunOrigin,
): string | undefined {
  const client = clientId ? clientName(clientId) : undefined;
  const key = fairness?.key.of({ input, labels: labels ?? undefined, client });
  if (key === undefined || key.length <= MAX_KEY) return key;
  return `${key.slice(0, SHOWN_OF_LONG)}… ${hash('sha256', key, 'base64url')}`;
}
