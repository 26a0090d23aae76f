import { html } from '../html.js';

export function NodesScreen() {
  return html`<h1>Nodes</h1>`;
}
