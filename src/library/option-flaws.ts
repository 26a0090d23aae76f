/** Checks of options that take neither texts nor numbers: each returns what is wrong with a value. */
export type OptionKinds = Readonly<Record<string, (value: unknown, name: string) => string[]>>;

/**
 * Finds unknown options, and values of a wrong type. Texts themselves are checked later, as those of environment variables.
 *
 * @param texts names of the options that are texts or numbers
 * @param kinds checks of the other options
 * @param prefix prefix of the names in messages, such as `http.`
 */
export function optionFlaws(
  options: object,
  texts: readonly string[],
  kinds: OptionKinds,
  prefix = '',
): string[] {
  const known = [...texts, ...Object.keys(kinds)];
  return Object.entries(options).flatMap(([name, value]) => {
    if (value === undefined && known.includes(name)) return [];
    if (texts.includes(name))
      return isTextOrNumber(value) ? [] : [flaw(prefix + name, value, 'a text or a number')];
    const kind = Object.hasOwn(kinds, name) ? kinds[name] : undefined;
    return kind
      ? kind(value, prefix + name)
      : [`${prefix}${name} is not known here; it takes ${known.join(', ')}`];
  });
}

export function flaw(name: string, value: unknown, takes: string): string {
  const shown = typeof value === 'string' ? JSON.stringify(value) : kindOf(value);
  return `${name} is ${shown}; it takes ${takes}`;
}

export function isPlainObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isTextOrNumber(value: unknown): boolean {
  return (typeof value === 'string' && value.trim() !== '') || typeof value === 'number';
}

function kindOf(value: unknown): string {
  if (value === null || typeof value === 'boolean' || typeof value === 'undefined') return String(value);
  if (Array.isArray(value)) return 'a list';
  return `${typeof value === 'object' ? 'an' : 'a'} ${typeof value}`;
}
