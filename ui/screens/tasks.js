import { html } from '../html.js';

export function TasksScreen() {
  return html`<h1>Tasks</h1>`;
}
