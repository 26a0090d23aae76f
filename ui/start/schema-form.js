import { html, useId } from '../html.js';
import { jsonText } from '../json.js';
import { blank, escaped, kindOf } from './schema-kinds.js';

/** @typedef {import('./form-text.js').Flaw} Flaw */
/**
 * @typedef {object} FieldProps
 * @property {string} name
 * @property {any} schema
 * @property {any} root
 * @property {string} pointer
 * @property {any} raw
 * @property {(raw: any) => void} onChange
 * @property {boolean} isNeeded
 * @property {Flaw[]} flaws
 * @property {number} [depth]
 */

/** A part of the input: what its schema can have is asked for in fields, the rest as JSON. @param {FieldProps} props */
export function Field(props) {
  const { kind } = kindOf(props.schema, props.root, props.depth);
  if (kind === 'object') return html`<${Members} ...${props} />`;
  if (kind === 'array') return html`<${Items} ...${props} />`;
  return html`<${Single} ...${props} />`;
}

/** @param {FieldProps} props */
function Members({ name, schema, root, pointer, raw, onChange, flaws, depth = 0 }) {
  const { members = [], schema: found } = kindOf(schema, root, depth);
  return html`<fieldset class="field-group">
    <legend>${found.title ?? name}</legend>
    <${Notes} description=${found.description} flaws=${flaws.filter((flaw) => flaw.pointer === pointer)} />
    ${members.map(
      ([member, of]) =>
        html`<${Field}
          key=${member}
          name=${member}
          schema=${of}
          pointer=${`${pointer}/${escaped(member)}`}
          raw=${raw[member]}
          onChange=${(/** @type {any} */ value) => onChange({ ...raw, [member]: value })}
          isNeeded=${found.required?.includes(member) ?? false}
          depth=${depth + 1}
          ...${{ root, flaws }}
        />`,
    )}
  </fieldset>`;
}

/** @param {FieldProps} props */
function Items({ name, schema, root, pointer, raw, onChange, flaws, depth = 0 }) {
  const { schema: found } = kindOf(schema, root, depth);
  const without = (/** @type {number} */ index) =>
    raw.filter((/** @type {any} */ _, /** @type {number} */ at) => at !== index);
  return html`<fieldset class="field-group">
    <legend>${found.title ?? name}</legend>
    <${Notes} description=${found.description} flaws=${flaws.filter((flaw) => flaw.pointer === pointer)} />
    ${raw.map(
      (/** @type {any} */ item, /** @type {number} */ index) =>
        html`<div key=${index} class="field-item">
          <${Field}
            name=${`${name} ${index + 1}`}
            schema=${found.items}
            pointer=${`${pointer}/${index}`}
            raw=${item}
            onChange=${(/** @type {any} */ value) => onChange(raw.with(index, value))}
            isNeeded=${true}
            depth=${depth + 1}
            ...${{ root, flaws }}
          />
          <button
            type="button"
            aria-label=${`Remove ${name} ${index + 1}`}
            onClick=${() => onChange(without(index))}
          >
            ✕
          </button>
        </div>`,
    )}
    <button type="button" onClick=${() => onChange([...raw, blank(found.items, root, depth + 1)])}>
      Add to ${name}
    </button>
  </fieldset>`;
}

/** @param {FieldProps} props */
function Single({ name, schema, root, pointer, raw, onChange, isNeeded, flaws, depth }) {
  const id = useId();
  const { kind, schema: found, choices } = kindOf(schema, root, depth);
  const mine = flaws.filter(
    (flaw) => flaw.pointer === pointer || (kind === 'json' && flaw.pointer.startsWith(`${pointer}/`)),
  );
  const common = {
    id,
    value: raw,
    required: false,
    'aria-required': isNeeded,
    'aria-invalid': mine.length > 0,
    'aria-describedby': `${id}-notes`,
    onInput: (/** @type {any} */ event) => onChange(event.currentTarget.value),
  };
  return html`<div class="field">
    <label for=${id}>${found?.title ?? name}${isNeeded && html` <span class="soft">needed</span>`}</label>
    ${controlOf(kind, common, choices)}
    <${Notes} id=${`${id}-notes`} description=${found?.description} flaws=${mine} from=${pointer} />
    ${
      kind === 'json' &&
      isTelling(found) &&
      html`<details>
        <summary>Its JSON Schema</summary>
        <pre tabindex="0">${jsonText(found, 2)}</pre>
      </details>`
    }
  </div>`;
}

/** @param {string} kind @param {any} common @param {unknown[]} [choices] */
function controlOf(kind, common, choices = []) {
  switch (kind) {
    case 'json':
      return html`<textarea ...${common} rows="4" spellcheck=${false} placeholder="JSON" />`;
    case 'boolean':
      return html`<select ...${common}>
        <option value="">–</option>
        <option value="true">true</option>
        <option value="false">false</option>
      </select>`;
    case 'choice':
      return html`<select ...${common}>
        <option value="">–</option>
        ${choices.map((choice, index) => html`<option value=${String(index)}>${typeof choice === 'string' ? choice : jsonText(choice)}</option>`)}
      </select>`;
    case 'text':
      return html`<input ...${common} />`;
    default:
      // Not type="number": that would round what is long.
      return html`<input
        ...${common}
        inputmode=${kind === 'integer' ? 'numeric' : 'decimal'}
        autocomplete="off"
      />`;
  }
}

/** @param {any} schema */
function isTelling(schema) {
  return typeof schema === 'object' && schema !== null && Object.keys(schema).length > 0;
}

/** @param {{ id?: string, description?: string, flaws: Flaw[], from?: string }} props */
function Notes({ id, description, flaws, from = '' }) {
  return html`<div id=${id} class="field-notes">
    ${description && html`<div class="soft">${description}</div>`}
    ${flaws.map(({ pointer, detail }) => html`<div class="field-flaw">${pointer.slice(from.length)} ${detail}</div>`)}
  </div>`;
}
