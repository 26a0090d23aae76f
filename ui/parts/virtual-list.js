import { html, useEffect, useRef, useState } from '../html.js';

/** Rows beyond the edges that are made all the same, so that a quick scroll shows no gap. */
const SPARE = 6;
/** A list at most so far from its top counts as being there. */
const AT_TOP_PX = 4;

/** @typedef {{ title: string, class?: string }} Column */

/**
 * A table of any length: only the rows in sight are in the document, and their elements are used again.
 *
 * Keys: the arrows, Page Up and Down, Home and End go from row to row, Enter opens one.
 *
 * @param {{
 *   label: string,
 *   columns: Column[],
 *   items: readonly any[],
 *   rowHeight: number,
 *   keyOf: (item: any) => string,
 *   cells: (item: any) => unknown[],
 *   onOpen?: (item: any) => void,
 *   onNearEnd?: () => void,
 *   onTop?: (isAtTop: boolean) => void,
 *   total?: number,
 *   class?: string,
 * }} props
 *   `cells`: what stands in each column; `onNearEnd`: the reader comes to the end; `onTop`: whether the first row is in sight;
 *   `total`: how many rows there are in all, where that is known
 */
export function VirtualList(props) {
  const { label, columns, items, rowHeight, keyOf, cells, onOpen, onNearEnd, onTop, total = -1 } = props;
  const box = useRef(/** @type {HTMLElement | null} */ (null));
  const [{ top, height }, setView] = useState({ top: 0, height: 600 });
  const [active, setActive] = useState(0);
  /** Whether the focus has to follow the active row. */
  const follows = useRef(false);
  /** Where the keys have led to; what is drawn may lag behind. */
  const aim = useRef(0);

  const first = Math.max(0, Math.min(Math.floor(top / rowHeight), items.length - 1) - SPARE);
  const last = Math.min(items.length, Math.ceil((top + height) / rowHeight) + SPARE);
  const shown = items.slice(first, last);
  const tabbable = active >= first && active < last ? active : Math.min(first + SPARE, items.length - 1);
  const pool = Math.ceil(height / rowHeight) + 2 * SPARE + 1;

  const see = () => {
    const element = box.current;
    if (!element) return;
    setView({ top: element.scrollTop, height: element.clientHeight });
    onTop?.(element.scrollTop <= AT_TOP_PX);
  };
  useEffect(() => {
    const observer = new ResizeObserver(see);
    observer.observe(/** @type {HTMLElement} */ (box.current));
    return () => observer.disconnect();
  }, []);
  useEffect(() => {
    if (items.length > 0 && last >= items.length - 2 * SPARE) onNearEnd?.();
  }, [items, last]);
  useEffect(() => {
    if (!follows.current) return;
    const row = box.current?.querySelector(`[data-index="${aim.current}"]`);
    if (!(row instanceof HTMLElement)) return;
    follows.current = false;
    row.focus({ preventScroll: true });
  });

  /** @param {KeyboardEvent} event */
  const pressed = (event) => {
    const page = Math.max(1, Math.floor(height / rowHeight) - 1);
    const steps = {
      ArrowDown: 1,
      ArrowUp: -1,
      PageDown: page,
      PageUp: -page,
      Home: -Infinity,
      End: Infinity,
    };
    const step = steps[/** @type {keyof typeof steps} */ (event.key)];
    if (event.key === 'Enter' && event.target instanceof HTMLElement && event.target.role === 'row')
      onOpen?.(items[tabbable]);
    if (step === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    const from = follows.current ? aim.current : tabbable;
    const next = Math.max(0, Math.min(from + step, items.length - 1));
    const element = /** @type {HTMLElement} */ (box.current);
    const at = next * rowHeight;
    if (at < element.scrollTop) element.scrollTop = at;
    else if (at + rowHeight > element.scrollTop + element.clientHeight)
      element.scrollTop = at + rowHeight - element.clientHeight;
    aim.current = next;
    follows.current = true;
    setActive(next);
    see();
  };

  return html`<div
    class="list ${props.class ?? ''}"
    role="grid"
    aria-label=${label}
    aria-rowcount=${total < 0 ? -1 : total + 1}
    onKeyDown=${pressed}
  >
    <div role="rowgroup" class="list-head">
      <div role="row" aria-rowindex="1" class="list-row">
        ${columns.map(
          (column) => html`<span role="columnheader" class=${column.class}>${column.title}</span>`,
        )}
      </div>
    </div>
    <div role="rowgroup" class="list-box" ref=${box} onScroll=${see}>
      <div role="presentation" class="list-all" style=${{ height: `${items.length * rowHeight}px` }}>
        ${shown.map((item, position) => {
          const index = first + position;
          return html`<div
            key=${index % pool}
            role="row"
            class="list-row"
            aria-rowindex=${index + 2}
            data-index=${index}
            data-key=${keyOf(item)}
            tabindex=${index === tabbable ? 0 : -1}
            style=${{ transform: `translateY(${index * rowHeight}px)`, height: `${rowHeight}px` }}
            onFocus=${() => setActive(index)}
            onClick=${(/** @type {MouseEvent} */ event) => {
              if (!(event.target instanceof Element) || !event.target.closest('a, button')) onOpen?.(item);
            }}
          >
            ${cells(item).map(
              (cell, column) => html`<span role="gridcell" class=${columns[column]?.class}>${cell}</span>`,
            )}
          </div>`;
        })}
      </div>
    </div>
  </div>`;
}
