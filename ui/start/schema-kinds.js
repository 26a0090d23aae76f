/** How deep forms go; what lies deeper is written as JSON. */
const DEEPEST = 5;

/**
 * How a part of an input is asked for.
 *
 * @typedef {object} Kind
 * @property {'text' | 'number' | 'integer' | 'boolean' | 'choice' | 'object' | 'array' | 'json'} kind `json`: as JSON, since no form shows it
 * @property {any} schema without its references
 * @property {unknown[]} [choices]
 * @property {[string, any][]} [members]
 */

/** @param {any} schema @param {any} root where its references lead to @param {number} depth @returns {Kind} */
export function kindOf(schema, root, depth = 0) {
  const found = resolve(schema, root);
  if (typeof found !== 'object' || found === null || depth > DEEPEST) return { kind: 'json', schema: found };
  if (Array.isArray(found.enum)) return { kind: 'choice', schema: found, choices: found.enum };
  if ('const' in found) return { kind: 'choice', schema: found, choices: [found.const] };
  const [type, ...others] = [found.type].flat().filter((one) => one !== 'null');
  if (others.length > 0) return { kind: 'json', schema: found };
  if (type === 'string') return { kind: 'text', schema: found };
  if (type === 'number' || type === 'integer' || type === 'boolean') return { kind: type, schema: found };
  if (type === 'array' && found.items && !found.prefixItems) return { kind: 'array', schema: found };
  const members = Object.entries(found.properties ?? {});
  const isPlain = !['allOf', 'anyOf', 'oneOf', 'if', 'patternProperties'].some((word) => word in found);
  if ((type === 'object' || type === undefined) && members.length > 0 && isPlain)
    return { kind: 'object', schema: found, members };
  return { kind: 'json', schema: found };
}

/** Follows `$ref` within the schema, and takes the one choice besides null. @param {any} schema @param {any} root */
function resolve(schema, root) {
  let found = schema;
  for (let steps = 0; steps < 20; steps += 1) {
    const other = found?.$ref !== undefined ? at(root, found.$ref) : besidesNull(found);
    if (other === undefined) return found;
    if (typeof other !== 'object') return other;
    found = { ...other, ...found };
    delete found.$ref;
    delete found.anyOf;
  }
  return {};
}

/** @param {any} root @param {string} ref */
function at(root, ref) {
  if (!ref.startsWith('#')) return {};
  const steps = ref.slice(1).split('/').slice(1);
  return (
    steps.reduce(
      (/** @type {any} */ part, step) =>
        part?.[decodeURIComponent(step).replaceAll('~1', '/').replaceAll('~0', '~')],
      root,
    ) ?? {}
  );
}

/** @param {any} schema */
function besidesNull(schema) {
  const choices = schema?.anyOf;
  if (!Array.isArray(choices) || choices.length !== 2) return undefined;
  const others = choices.filter(({ type }) => type !== 'null');
  return others.length === 1 ? others[0] : undefined;
}

/** What a field begins with. @param {any} schema @param {any} root @param {number} depth @returns {any} */
export function blank(schema, root, depth = 0) {
  const { kind, schema: found, choices, members } = kindOf(schema, root, depth);
  const given = found?.default;
  if (kind === 'object')
    return Object.fromEntries(
      (members ?? []).map(([name, member]) => [name, blank(member, root, depth + 1)]),
    );
  if (kind === 'array') return [];
  if (kind === 'choice')
    return given !== undefined || choices?.length === 1
      ? String(Math.max(0, choices?.indexOf(given) ?? 0))
      : '';
  if (given === undefined || given === null) return '';
  return kind === 'text' ? given : JSON.stringify(given, undefined, kind === 'json' ? 2 : undefined);
}

/** @param {string} name */
export function escaped(name) {
  return name.replaceAll('~', '~0').replaceAll('/', '~1');
}
