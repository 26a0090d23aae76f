import { html, useState } from '../html.js';

/**
 * A button whose deed has to be confirmed.
 *
 * @param {{ label: string, question: string, onConfirm: () => Promise<unknown> | void, why?: string | undefined }} props
 *   `why`: the reason why it can't be done; the button is disabled then
 */
export function ConfirmButton({ label, question, onConfirm, why }) {
  const [asks, setAsks] = useState(false);
  const [busy, setBusy] = useState(false);
  const confirmed = async () => {
    setBusy(true);
    await onConfirm();
    setBusy(false);
    setAsks(false);
  };
  if (!asks)
    return html`<button
      type="button"
      disabled=${why !== undefined}
      title=${why}
      onClick=${() => setAsks(true)}
    >
      ${label}
    </button>`;
  return html`<span class="confirm" role="group" aria-label=${question}
    >${question}
    <button type="button" class="primary" disabled=${busy} ref=${focus} onClick=${confirmed}>${label}</button>
    <button type="button" disabled=${busy} onClick=${() => setAsks(false)}>Leave it</button></span
  >`;
}

/** @param {HTMLElement | null} element */
function focus(element) {
  if (element && !element.contains(document.activeElement)) element.focus();
}
