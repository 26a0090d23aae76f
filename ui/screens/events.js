import { html } from '../html.js';

export function EventsScreen() {
  return html`<h1>Events</h1>`;
}
