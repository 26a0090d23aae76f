import type { JsonValue } from '../core/json.js';
import { stepsOf, valueAt } from '../core/json-pointer.js';
import { expressionMistake, expressionOf } from '../expressions/expression.js';
import { UnfitResponse, type UpstreamResponse } from './upstream-response.js';

/** The parts from which a result is made: the response's body, and the values of the template's expressions. */
interface Parts {
  readonly response: UpstreamResponse;
  readonly body: JsonValue;
  readonly values: readonly JsonValue[];
}

/** @throws {UnfitResponse} when a part is missing */
type Make = (parts: Parts) => JsonValue;

interface Mistake {
  readonly path: readonly string[];
  readonly message: string;
}

type Members = Readonly<Record<string, JsonValue>>;

const POINTER = /^(?:\/(?:[^~/]|~[01])*)*$/;
const POINTER_FORM =
  'takes a JSON Pointer (RFC 6901) such as /data/items/0, in which ~0 is "~" and ~1 is "/"';
const FORM = `${POINTER_FORM}, or an expression in JSONata such as {% $sum(items.price) %}`;

/**
 * Compiles `result`: a JSON Pointer, an expression, or an object of those and of constants.
 *
 * @param sources receives the expressions; `make` finds their values in `parts.values`, in the same order
 */
export function compileTemplate(result: JsonValue, sources: string[]): Make {
  if (typeof result === 'string') {
    const source = expressionOf(result);
    if (source === undefined) return pointed(result);
    const index = sources.push(source) - 1;
    return ({ values }) => values[index] ?? null;
  }
  if (typeof result !== 'object' || result === null) return () => result;
  const members = result as Members;
  if (members.const !== undefined) return constant(members.const);
  if (members.pointer !== undefined) return pointed(members.pointer as string, members.default);
  const makes = Object.entries(members).map(
    ([name, member]) => [name, compileTemplate(member, sources)] as const,
  );
  return (parts) => Object.fromEntries(makes.map(([name, make]) => [name, make(parts)]));
}

/** The mistakes in a value of `result`. */
export function resultMistakes(result: JsonValue, path: readonly string[] = []): Mistake[] {
  const mistake = (message: string, ...member: string[]) => [{ path: [...path, ...member], message }];
  if (typeof result === 'string') {
    const source = expressionOf(result);
    const isWhole = path.length === 0;
    if (source === undefined)
      return POINTER.test(result) ? [] : mistake(isWhole ? FORM : `${FORM}; a constant text is { const: … }`);
    const message = expressionMistake(source);
    return message === undefined ? [] : mistake(message);
  }
  if (Array.isArray(result)) return mistake(`${FORM}; a constant list is { const: […] }`);
  if (typeof result !== 'object' || result === null)
    return path.length > 0 ? [] : mistake(`${FORM}, or an object of those; a constant is { const: … }`);
  const { pointer, const: constant, ...others } = result as Members;
  if (constant !== undefined) {
    const [other] = Object.keys(result).filter((name) => name !== 'const');
    return other === undefined
      ? []
      : mistake('stands beside const, which is all of the value; take one out', other);
  }
  if (pointer !== undefined) {
    const [other] = Object.keys(others).filter((name) => name !== 'default');
    if (other !== undefined)
      return mistake('stands beside pointer, which takes default alone; take one out', other);
    return typeof pointer === 'string' && POINTER.test(pointer) ? [] : mistake(POINTER_FORM, 'pointer');
  }
  const members = Object.entries(result as Members);
  if (members.length === 0) return mistake(`${FORM}, or an object of those with at least one member`);
  return members.flatMap(([name, member]) => resultMistakes(member, [...path, name]));
}

/** Whether a template has a JSON Pointer to a part of the body. */
export function hasPointer(result: JsonValue | undefined): boolean {
  if (typeof result === 'string') return result !== '' && expressionOf(result) === undefined;
  if (typeof result !== 'object' || result === null) return false;
  const { const: constant, ...members } = result as Members;
  if (constant !== undefined) return false;
  return members.pointer === undefined ? Object.values(members).some(hasPointer) : members.pointer !== '';
}

function constant(value: JsonValue): Make {
  return () => value;
}

function pointed(pointer: string, otherwise?: JsonValue): Make {
  const steps = stepsOf(pointer);
  return ({ body, response }) => {
    const found = valueAt(body, steps);
    if (found !== undefined) return found;
    if (otherwise === undefined) throw new UnfitResponse(`its body has nothing at ${pointer}`, response);
    return otherwise;
  };
}
