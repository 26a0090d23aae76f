import { time } from '../format.js';
import { html } from '../html.js';
import { linkTo } from '../router.js';

/** How the results of shadows compare with replies; nothing of a task without shadows. @param {{ stats: any }} props */
export function Shadows({ stats }) {
  const shadows = stats.subTasks.filter((/** @type {any} */ { shadow }) => shadow);
  if (shadows.length === 0) return null;
  return html`<section class="card" aria-labelledby="task-shadows">
    <h2 id="task-shadows">How shadows compare with replies</h2>
    <div class="scroll" tabindex="0" role="group" aria-labelledby="task-shadows">
      <table>
        <thead>
          <tr>
            <th scope="col">shadow</th>
            ${COUNTS.map((title) => html`<th scope="col" class="number">${title}</th>`)}
            <th scope="col">newest differences</th>
          </tr>
        </thead>
        <tbody>
          ${shadows.map(
            (/** @type {any} */ { name, failures, shadow: { compared, equal, different, differences } }) =>
              html`<tr>
                <th scope="row">${name}</th>
                ${[compared, equal, different, failures].map(
                  (count) => html`<td class="number">${count.toLocaleString()}</td>`,
                )}
                <td>
                  ${
                    differences.length > 0 &&
                    html`<ul>
                      ${differences.map(Difference)}
                    </ul>`
                  }
                </td>
              </tr>`,
          )}
        </tbody>
      </table>
    </div>
  </section>`;
}

const COUNTS = ['compared', 'equal', 'different', 'failed'];

/** @param {{ runId: string, time: string, pointers: string[] }} difference */
function Difference({ runId, time: at, pointers }) {
  return html`<li key=${runId}>
    <a href=${linkTo(['runs', runId])}>${time(at)}</a> at${' '}
    ${pointers.map((pointer) => html`<code>${pointer || 'the whole result'}</code> `)}
  </li>`;
}
