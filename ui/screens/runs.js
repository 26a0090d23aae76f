import { html } from '../html.js';

export function RunsScreen() {
  return html`<h1>Runs</h1>`;
}
