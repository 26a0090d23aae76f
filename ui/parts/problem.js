import { Problem } from '../api.js';
import { html } from '../html.js';

/** What a failed request came to, in words. @param {unknown} error */
function told(error) {
  if (error instanceof Problem)
    return { title: error.title ?? `The service answered ${error.status}`, detail: error.message };
  if (error instanceof TypeError)
    return { title: 'The service can’t be reached', detail: 'It may be stopping, or the network is away.' };
  return { title: 'Something went wrong on this page', detail: String(error) };
}

/**
 * How a failed request is shown.
 *
 * @param {{ error: unknown, onRetry?: () => void }} props
 */
export function ProblemNote({ error, onRetry }) {
  const { title, detail } = told(error);
  const errors = error instanceof Problem ? error.errors : [];
  return html`<div class="problem" role="alert">
    <p><strong>${title}</strong></p>
    ${detail !== title && html`<p>${detail}</p>`}
    ${
      errors.length > 0 &&
      html`<ul>
        ${errors.map(
          ({ pointer, parameter, header, detail: what }) =>
            html`<li><code>${pointer ?? parameter ?? header}</code> ${what}</li>`,
        )}
      </ul>`
    }
    ${onRetry && html`<button type="button" onClick=${onRetry}>Try again</button>`}
  </div>`;
}
