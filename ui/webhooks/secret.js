import { html } from '../html.js';
import { CopyButton } from '../parts/copy-button.js';

/** A secret, which the service shows this once. @param {{ secret: string, onClose: () => void }} props */
export function Secret({ secret, onClose }) {
  return html`<p>
      Give this secret to the receiver, which verifies the signatures with it. It is not shown again.
    </p>
    <pre class="to-copy" tabindex="0">${secret}</pre>
    <div class="dialog-end">
      <${CopyButton} text=${secret} />
      <button type="button" onClick=${onClose}>Close</button>
    </div>`;
}
