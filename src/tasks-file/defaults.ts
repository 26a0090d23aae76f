import type { JsonValue } from '../core/json.js';
import type { Path } from './mistake.js';
import type { YamlSource } from './yaml-source.js';

type Members = Readonly<Record<string, JsonValue>>;

/** Members whose defaults are merged into them. All other members replace their defaults. */
const MERGED = ['headers', 'retry'];

/** The value of a file, with its `defaults` filled into its tasks and sub-tasks. */
export function withDefaults(source: YamlSource): JsonValue {
  const { value = null } = source;
  if (!isObject(value) || !isObject(value.defaults) || !isObject(value.tasks)) return value;
  const { task = {}, http = {} } = value.defaults;
  const merged = Object.entries(value.tasks).map(([name, own]): [string, JsonValue] => {
    const path = ['tasks', name];
    if (!isObject(own)) return [name, own];
    const members = withMissing(own, task, path, ['defaults', 'task'], source);
    if (!Array.isArray(members.subTasks)) return [name, members];
    const subTasks = (members.subTasks as readonly JsonValue[]).map((subTask, index) =>
      isObject(subTask) && subTask.kind === 'http'
        ? withMissing(subTask, http, [...path, 'subTasks', index], ['defaults', 'http'], source)
        : subTask,
    );
    return [name, { ...members, subTasks }];
  });
  return { ...value, tasks: Object.fromEntries(merged) };
}

/** The members of an object, with missing ones taken from the defaults. Names of headers are compared without case. */
function withMissing(own: Members, defaults: JsonValue, path: Path, from: Path, source: YamlSource): Members {
  if (!isObject(defaults)) return own;
  const nameOf = (name: string) => (from.at(-1) === 'headers' ? name.toLowerCase() : name);
  const known = new Map(Object.entries(own).map(([name, value]) => [nameOf(name), value]));
  const all: Record<string, JsonValue> = { ...own };
  for (const [name, value] of Object.entries(defaults)) {
    const mine = known.get(nameOf(name));
    const [to, origin] = [
      [...path, name],
      [...from, name],
    ];
    if (mine === undefined) {
      all[name] = value;
      source.inherit(to, origin);
    } else if (MERGED.includes(name) && isObject(mine))
      all[name] = withMissing(mine, value, to, origin, source);
  }
  return all;
}

function isObject(value: JsonValue | undefined): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
