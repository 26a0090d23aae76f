/** A number whose digits a double can't hold. */
const LONG_NUMBER = /\d{16}/;

/**
 * `JSON.parse`, but with integers that a double can't hold as bigints, where the browser tells of their digits.
 *
 * @param {string} text
 * @returns {any}
 */
export function parseJson(text) {
  if (!LONG_NUMBER.test(text)) return JSON.parse(text);
  /** @param {string} _key @param {unknown} value @param {{ source?: string }} [context] */
  const exact = (_key, value, context) =>
    typeof value === 'number' && !Number.isSafeInteger(value) && /^-?\d+$/.test(context?.source ?? '')
      ? BigInt(/** @type {string} */ (context?.source))
      : value;
  return JSON.parse(text, exact);
}

/** @typedef {typeof JSON & { rawJSON?: (text: string) => unknown }} ExactJson */

/**
 * `JSON.stringify`, with bigints as the numbers that they are.
 *
 * @param {unknown} value
 * @param {number} [indent]
 * @returns {string}
 */
export function jsonText(value, indent) {
  const { rawJSON } = /** @type {ExactJson} */ (JSON);
  const plain = (/** @type {string} */ _key, /** @type {unknown} */ part) =>
    typeof part === 'bigint' ? (rawJSON?.(String(part)) ?? Number(part)) : part;
  return JSON.stringify(value, plain, indent);
}
