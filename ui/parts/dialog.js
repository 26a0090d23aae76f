import { html, useEffect, useId, useRef } from '../html.js';

/**
 * A dialog over the screen; Escape closes it, and the focus goes back to where it was.
 *
 * @param {{ title: string, onClose: () => void, children?: unknown, class?: string }} props
 */
export function Dialog({ title, onClose, children, class: look = '' }) {
  const dialog = useRef(/** @type {HTMLDialogElement | null} */ (null));
  const id = useId();
  useEffect(() => {
    const element = /** @type {HTMLDialogElement} */ (dialog.current);
    const before = document.activeElement;
    element.showModal();
    const first = element.querySelector('select, input, textarea, .dialog-end button');
    if (first instanceof HTMLElement) first.focus();
    return () => {
      element.close();
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  return html`<dialog
    class="dialog ${look}"
    ref=${dialog}
    aria-labelledby=${id}
    onCancel=${(/** @type {Event} */ event) => {
      event.preventDefault();
      onClose();
    }}
  >
    <div class="dialog-head">
      <h2 id=${id}>${title}</h2>
      <button type="button" class="quiet" aria-label="Close" onClick=${onClose}>✕</button>
    </div>
    ${children}
  </dialog>`;
}
