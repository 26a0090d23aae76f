import { useAnswer } from '../answer.js';
import { html, useRef } from '../html.js';
import { linkTo } from '../router.js';
import { EVENT_TYPES } from '../event-types.js';

/** The filters of the tail, which are kept in the address. @param {{ filters: URLSearchParams }} props */
export function EventFilters({ filters }) {
  const { value } = useAnswer('/tasks');
  /** With what was chosen since the address was read. */
  const chosen = useRef(filters);
  chosen.current = filters;
  const types = filters.getAll('type').flatMap((list) => list.split(','));
  /** @param {string} name @param {string} text */
  const set = (name, text) => {
    const next = new URLSearchParams(chosen.current);
    next.delete(name);
    if (text !== '') next.set(name, text);
    chosen.current = next;
    location.hash = linkTo(['events'], next);
  };
  /** @param {Event} event */
  const valueOf = (event) => /** @type {HTMLInputElement | HTMLSelectElement} */ (event.currentTarget).value;
  /** @param {string} type @param {boolean} wanted */
  const setType = (type, wanted) =>
    set('type', EVENT_TYPES.filter((one) => (one === type ? wanted : types.includes(one))).join(','));
  const task = filters.get('task') ?? '';
  const names = new Set([
    ...(value?.tasks.map((/** @type {any} */ { name }) => name) ?? []),
    ...(task ? [task] : []),
  ]);
  return html`<form
    class="filters"
    role="search"
    aria-label="Filters"
    onSubmit=${(/** @type {Event} */ event) => event.preventDefault()}
  >
    <label
      >Task
      <select value=${task} onChange=${(/** @type {Event} */ event) => set('task', valueOf(event))}>
        <option value="">all</option>
        ${[...names].map((name) => html`<option value=${name} selected=${name === task}>${name}</option>`)}
      </select></label
    >
    <label
      >Label
      <input
        key=${filters.get('label')}
        defaultValue=${filters.get('label') ?? ''}
        placeholder="tenant:acme"
        onChange=${(/** @type {Event} */ event) => set('label', valueOf(event).trim())}
    /></label>
    <details
      class="filters-types"
      onFocusOut=${(/** @type {FocusEvent} */ event) => {
        const element = /** @type {HTMLDetailsElement} */ (event.currentTarget);
        if (!element.contains(/** @type {Node | null} */ (event.relatedTarget))) element.open = false;
      }}
      onKeyDown=${(/** @type {KeyboardEvent} */ event) => {
        const element = /** @type {HTMLDetailsElement} */ (event.currentTarget);
        if (event.key !== 'Escape') return;
        element.open = false;
        element.querySelector('summary')?.focus();
      }}
    >
      <summary>Types: ${types.length === 0 ? 'all' : types.length === 1 ? types[0] : types.length}</summary>
      <fieldset tabindex="-1">
        <legend class="soft">Only events of these types</legend>
        ${EVENT_TYPES.map(
          (type) =>
            html`<label
              ><input
                type="checkbox"
                checked=${types.includes(type)}
                onChange=${(/** @type {Event} */ event) =>
                  setType(type, /** @type {HTMLInputElement} */ (event.currentTarget).checked)}
              />${type}</label
            >`,
        )}
      </fieldset>
    </details>
    ${[...filters].length > 0 && html`<a href=${linkTo(['events'])}>Clear</a>`}
  </form>`;
}
