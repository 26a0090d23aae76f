import type { JsonValue } from '../core/json.js';
import type { Path } from './mistake.js';
import type { YamlSource } from './yaml-source.js';

const VARIABLE = /\$\{[A-Za-z_]\w*\}/;
/** Members with text for people only. */
const NOTES = ['$comment', 'description', 'title'];
/** Members of a sub-task whose texts are templates. */
const TEMPLATES = ['url', 'headers', 'body', 'form', 'text'];
/** Members of a webhook whose texts are templates. */
const OF_WEBHOOKS = ['url', 'secret'];

/** Reports environment variables in places where they are not replaced by their values. */
export function noteMisplacedVariables(source: YamlSource, value: JsonValue, path: Path = []): void {
  const note = (text: string, add: (message: string) => void): void => {
    const [variable] = VARIABLE.exec(text) ?? [];
    if (variable !== undefined)
      add(
        `has ${variable}, which is taken in url, headers, form, text, secret and texts of body alone; write its value`,
      );
  };
  if (typeof value === 'string') {
    if (!isTemplate(path) && !isOfOrigin(path) && !NOTES.includes(String(path.at(-1))))
      note(value, (message) => source.note(path, message));
    return;
  }
  if (typeof value !== 'object' || value === null) return;
  const isList = Array.isArray(value);
  for (const [key, child] of Object.entries<JsonValue>(value)) {
    const below = [...path, isList ? Number(key) : key];
    if (!isList && !isOfOrigin(below)) note(key, (message) => source.noteKey(below, message));
    noteMisplacedVariables(source, child, below);
  }
}

/** tasks.<name>.subTasks[0].url, tasks.<name>.webhooks[0].secret or defaults.http.headers, for example */
function isTemplate([first, second, third, , fifth]: Path): boolean {
  if (third === 'webhooks') return OF_WEBHOOKS.includes(String(fifth));
  const member = first === 'defaults' && second === 'http' ? third : third === 'subTasks' && fifth;
  return TEMPLATES.includes(String(member));
}

/** Whether the path is of an origin's name, or of its proxy. */
function isOfOrigin([origins, , member, ...rest]: Path): boolean {
  return origins === 'origins' && rest.length === 0 && (member === undefined || member === 'proxy');
}
