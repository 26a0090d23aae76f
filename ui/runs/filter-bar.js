import { html, useEffect, useState } from '../html.js';
import { labelsIn } from '../labels.js';
import { goTo } from '../router.js';
import { STATUSES, statusesOf } from './filters.js';

/** What is asked for less often stands behind a button. */
const RARE = /** @type {const} */ ([
  ['requestId', 'Request id', 'X-Request-Id of the call'],
  ['traceId', 'Trace id', '32 hexadecimal digits'],
]);

/** The filters of the list; the address keeps them. @param {{ filters: URLSearchParams, tasks: string[] }} props */
export function FilterBar({ filters, tasks }) {
  const statuses = statusesOf(filters);
  /** @param {string} name @param {string | string[]} value */
  const set = (name, value) => {
    const changed = new URLSearchParams(filters);
    changed.delete(name);
    for (const one of [value].flat()) if (one !== '') changed.append(name, one);
    goTo(['runs'], changed, { replaces: true });
  };
  const toggle = (/** @type {string} */ status) => {
    const rest = statuses.filter((one) => one !== status);
    set('status', (rest.length < statuses.length ? rest : [...statuses, status]).join(','));
  };
  const isRare = ['since', 'until', 'requestId', 'traceId'].some((name) => filters.has(name));
  const known = filters.get('task');
  return html`<form
    class="runs-filters"
    role="search"
    aria-label="Filters"
    onSubmit=${(/** @type {Event} */ event) => event.preventDefault()}
  >
    <label
      >Task
      <select
        value=${known ?? ''}
        onChange=${(/** @type {any} */ event) => set('task', event.currentTarget.value)}
      >
        <option value="">any</option>
        ${[...new Set([...tasks, ...(known ? [known] : [])])].map((name) => html`<option key=${name} value=${name}>${name}</option>`)}
      </select></label
    >
    <${TextFilter}
      label="Label"
      hint="tenant:acme"
      value=${filters.getAll('label').join(' ')}
      onChange=${(/** @type {string} */ text) => set('label', labelsIn(text))}
    />
    <div class="runs-statuses" role="group" aria-label="Status">
      ${STATUSES.map(
        (status) =>
          html`<button
            key=${status}
            type="button"
            aria-pressed=${statuses.includes(status)}
            onClick=${() => toggle(status)}
          >
            ${status}
          </button>`,
      )}
    </div>
    <details open=${isRare}>
      <summary>More</summary>
      <div class="runs-rare">
        ${['since', 'until'].map(
          (name) =>
            html`<label key=${name}
              >${name === 'since' ? 'Since' : 'Until'}
              <input
                type="datetime-local"
                step="1"
                value=${localTime(filters.get(name))}
                onChange=${(/** @type {any} */ event) => set(name, isoTime(event.currentTarget.value))}
            /></label>`,
        )}
        ${RARE.map(
          ([name, label, hint]) =>
            html`<${TextFilter}
              key=${name}
              ...${{ label, hint }}
              value=${filters.get(name) ?? ''}
              onChange=${(/** @type {string} */ text) => set(name, text.trim())}
            />`,
        )}
      </div>
    </details>
    ${filters.size > 0 && html`<button type="button" onClick=${() => goTo(['runs'])}>Clear</button>`}
  </form>`;
}

/** A text that counts once it is complete. @param {{ label: string, hint: string, value: string, onChange: (text: string) => void }} props */
function TextFilter({ label, hint, value, onChange }) {
  const [text, setText] = useState(value);
  useEffect(() => setText(value), [value]);
  return html`<label
    >${label}
    <input
      value=${text}
      placeholder=${hint}
      spellcheck=${false}
      onInput=${(/** @type {any} */ event) => setText(event.currentTarget.value)}
      onChange=${() => onChange(text)}
      onKeyDown=${(/** @type {KeyboardEvent} */ event) => event.key === 'Enter' && onChange(text)}
  /></label>`;
}

/** As inputs of the browser take it. @param {string | null} iso */
function localTime(iso) {
  const date = new Date(iso ?? NaN);
  if (Number.isNaN(date.getTime())) return '';
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
}

/** @param {string} local */
function isoTime(local) {
  return local === '' ? '' : new Date(local).toISOString();
}
