import { escaped, kindOf } from './schema-kinds.js';

/** @typedef {{ pointer: string, detail: string }} Flaw */

const NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/;
const INTEGER = /^-?(0|[1-9]\d*)$/;

/**
 * The JSON text of what a form says. Digits stay as they were typed, so that no number is rounded.
 *
 * @param {any} schema
 * @param {any} raw what its fields say
 * @param {{ root: any, pointer: string, isNeeded: boolean, flaws: Flaw[], depth?: number }} place `flaws` takes in what is no JSON
 * @returns {string | undefined} undefined where it is left out
 */
export function textOf(schema, raw, place) {
  const { root, pointer, flaws, depth = 0 } = place;
  const { kind, choices, members, schema: found } = kindOf(schema, root, depth);
  const inside = (/** @type {string | number} */ name, /** @type {boolean} */ isNeeded) => ({
    ...{ root, flaws, isNeeded },
    pointer: `${pointer}/${escaped(String(name))}`,
    depth: depth + 1,
  });
  if (kind === 'object') {
    const parts = (members ?? []).flatMap(([name, member]) => {
      const text = textOf(member, raw[name], inside(name, found.required?.includes(name) ?? false));
      return text === undefined ? [] : [`${JSON.stringify(name)}:${text}`];
    });
    return parts.length > 0 || place.isNeeded ? `{${parts.join(',')}}` : undefined;
  }
  if (kind === 'array') {
    const items = raw.map(
      (/** @type {any} */ item, /** @type {number} */ index) =>
        textOf(found.items, item, inside(index, true)) ?? '""',
    );
    return items.length > 0 || place.isNeeded ? `[${items.join(',')}]` : undefined;
  }
  if (raw.trim() === '') return undefined;
  if (kind === 'text') return JSON.stringify(raw);
  if (kind === 'choice') return JSON.stringify(choices?.[Number(raw)]);
  const flaw = flawOf(kind, raw.trim());
  if (flaw !== undefined) flaws.push({ pointer, detail: flaw });
  return raw.trim();
}

/** @param {string} kind @param {string} text */
function flawOf(kind, text) {
  if (kind === 'integer') return INTEGER.test(text) ? undefined : 'takes a whole number, such as 42';
  if (kind === 'number') return NUMBER.test(text) ? undefined : 'takes a number, such as 1.5';
  try {
    JSON.parse(text);
    return undefined;
  } catch (error) {
    return `is no JSON: ${error instanceof Error ? error.message : ''}`;
  }
}
