import { createHash } from 'node:crypto';
import { stringify } from 'safe-stable-stringify';
import { stepsOf, valueAt } from '../core/json-pointer.js';
import type { JsonValue } from '../core/json.js';
import type { Comparison } from '../core/shadow.js';
import type { ReplyPolicy } from '../core/policies.js';
import type { Camp, Outcome } from '../core/run.js';

export type AgreementPolicy = Extract<ReplyPolicy, { readonly policy: 'agreement' }>;

/** The part of a result that is compared; undefined where the result has nothing at the pointer. */
export function comparedValue(
  { pointer = '', ignore = [] }: Comparison,
  result: JsonValue,
): JsonValue | undefined {
  const kept = ignore.reduce((value, ignored) => without(value, stepsOf(ignored)), result);
  return valueAt(kept, stepsOf(pointer));
}

/** A text that is the same for results that agree; undefined for a result with nothing to compare, which agrees with no other. */
export function comparedKey(policy: Comparison, result: JsonValue): string | undefined {
  const value = comparedValue(policy, result);
  return value === undefined
    ? undefined
    : createHash('sha256')
        .update(String(stringify(value)))
        .digest('base64');
}

/** Returns true once: for the outcome with which enough results agree, or after which they can't any more. */
export function agreesOrCannot(policy: AgreementPolicy, count: number): (outcome: Outcome) => boolean {
  const sizes = new Map<string, number>();
  let largest = 0;
  let open = count;
  let isDecided = false;
  return (outcome) => {
    if (isDecided) return false;
    open -= 1;
    const key = outcome.status === 'succeeded' ? comparedKey(policy, outcome.result) : undefined;
    if (key !== undefined) {
      const size = (sizes.get(key) ?? 0) + 1;
      sizes.set(key, size);
      largest = Math.max(largest, size);
    }
    isDecided = largest >= policy.agreement || largest + open < policy.agreement;
    return isDecided;
  };
}

/** Groups the sub-tasks that succeeded by equal results, the largest group first. */
export function campsOf(policy: AgreementPolicy, settled: readonly Outcome[]): Camp[] {
  const camps = new Map<unknown, { subTasks: string[]; value?: JsonValue }>();
  for (const outcome of settled) {
    if (outcome.status !== 'succeeded') continue;
    const { subTask, result } = outcome;
    const key = comparedKey(policy, result) ?? outcome;
    const value = comparedValue(policy, result);
    const camp = camps.get(key);
    if (camp) camp.subTasks.push(subTask);
    else camps.set(key, { subTasks: [subTask], ...(value !== undefined && { value }) });
  }
  return [...camps.values()].sort((one, other) => other.subTasks.length - one.subTasks.length);
}

/** A copy without the value at a pointer. An element of a list becomes null, so that the others keep their places. */
function without(value: JsonValue, [step, ...rest]: readonly string[]): JsonValue {
  if (step === undefined || typeof value !== 'object' || value === null || !Object.hasOwn(value, step))
    return value;
  const members = value as Readonly<Record<string, JsonValue>>;
  const inner = rest.length > 0 ? without(members[step] ?? null, rest) : null;
  if (Array.isArray(value))
    return step === 'length' ? members : (value as readonly JsonValue[]).with(Number(step), inner);
  if (rest.length > 0) return { ...members, [step]: inner };
  const { [step]: _, ...others } = members;
  return others;
}
