import { html, useState } from '../html.js';

/** Copies a text, and says whether it did. @param {{ text: string }} props */
export function CopyButton({ text }) {
  const [told, setTold] = useState('');
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setTold('Copied');
    } catch {
      setTold('The browser doesn’t let this page copy: mark the text and copy it');
    }
  };
  return html`<span role="status" class="soft">${told}</span>
    <button type="button" class="primary" onClick=${copy}>Copy</button>`;
}
