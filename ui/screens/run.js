import { html } from '../html.js';

/** @param {{ id: string }} props */
export function RunScreen({ id }) {
  return html`<h1>Run ${id}</h1>`;
}
