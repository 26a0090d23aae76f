import { html } from '../html.js';

/** @param {{ name: string }} props */
export function TaskScreen({ name }) {
  return html`<h1>Task ${name}</h1>`;
}
