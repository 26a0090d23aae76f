import { html, useState } from '../html.js';
import { jsonText } from '../json.js';

/** So many members are shown at first, and so many more each time. */
const CHUNK = 100;
/** Longer texts are cut until they are asked for. */
const LONG_TEXT = 500;
/** Values of so many characters are shown open. */
const SHORT = 60;

/**
 * A JSON value, whose parts open and close. What is closed costs nothing, so a megabyte is shown at once.
 *
 * @param {{ value: unknown, open?: boolean }} props `open`: whether its first level is open
 */
export function JsonView({ value, open = true }) {
  return html`<div class="json"><${Value} value=${value} open=${open} /></div>`;
}

/** @param {{ name?: string, value: any, open?: boolean }} props */
function Value({ name, value, open = false }) {
  const label = name !== undefined && html`<span class="json-name">${name}</span>: `;
  if (typeof value === 'string') return html`<div>${label}<${Text} text=${value} /></div>`;
  if (value === null || typeof value !== 'object')
    return html`<div>${label}<span class="json-plain">${String(value)}</span></div>`;
  return html`<${Parts} label=${label} value=${value} open=${open} />`;
}

/** @param {{ text: string }} props */
function Text({ text }) {
  const [all, setAll] = useState(false);
  const cut = !all && text.length > LONG_TEXT;
  return html`<span class="json-text">${JSON.stringify(cut ? text.slice(0, LONG_TEXT) : text)}</span>${
      cut &&
      html` <button type="button" class="link" onClick=${() => setAll(true)}>
        … all ${text.length.toLocaleString()} characters
      </button>`
    }`;
}

/** @param {{ label: unknown, value: any, open: boolean }} props */
function Parts({ label, value, open }) {
  const isArray = Array.isArray(value);
  const names = isArray ? undefined : Object.keys(value);
  const count = names?.length ?? value.length;
  const short = count <= 8 && !open ? shortText(value) : undefined;
  const [isOpen, setOpen] = useState(open);
  const [most, setMost] = useState(CHUNK);
  const summary = short ?? `${isArray ? '[' : '{'} ${count.toLocaleString()} ${isArray ? ']' : '}'}`;
  if (count === 0) return html`<div>${label}<span class="json-plain">${isArray ? '[]' : '{}'}</span></div>`;
  return html`<details
    open=${isOpen}
    onToggle=${(/** @type {Event} */ event) =>
      setOpen(/** @type {HTMLDetailsElement} */ (event.currentTarget).open)}
  >
    <summary>${label}<span class="json-plain">${summary}</span></summary>
    ${
      isOpen &&
      html`<div class="json-parts">
        ${Array.from({ length: Math.min(most, count) }, (_, index) => {
          const name = names ? names[index] : String(index);
          return html`<${Value} key=${name} name=${name} value=${value[/** @type {any} */ (name)]} />`;
        })}
        ${
          count > most &&
          html`<button type="button" class="link" onClick=${() => setMost(most + CHUNK * 10)}>
            … ${(count - most).toLocaleString()} more
          </button>`
        }
      </div>`
    }
  </details>`;
}

/** The whole value, if it is a short one of plain parts. @param {any} value */
function shortText(value) {
  if (Object.values(value).some((part) => typeof part === 'object' && part !== null)) return undefined;
  if (Object.values(value).some((part) => typeof part === 'string' && part.length > SHORT)) return undefined;
  const text = jsonText(value, 1).replace(/\s*\n\s*/g, ' ');
  return text.length <= SHORT ? text : undefined;
}
