import { duration } from '../format.js';
import { html } from '../html.js';
import { percent } from './pictures.js';

const COLUMNS = /** @type {[string, (subTask: any) => string][]} */ ([
  ['wins', ({ wins }) => wins.toLocaleString()],
  ['share', ({ winShare }) => percent(winShare)],
  ['starts', ({ starts }) => starts.toLocaleString()],
  ['extra starts', ({ extraStarts }) => extraStarts.toLocaleString()],
  ['held back', ({ heldBack }) => heldBack.toLocaleString()],
  ['skipped', ({ skips }) => skips.toLocaleString()],
  ['failed', ({ failures }) => failures.toLocaleString()],
  ['cancelled', ({ cancellations }) => cancellations.toLocaleString()],
  ['p50', ({ durationMs }) => duration(durationMs.p50)],
  ['p90', ({ durationMs }) => duration(durationMs.p90)],
  ['p99', ({ durationMs }) => duration(durationMs.p99)],
  ['answers p50', ({ answerMs }) => duration(answerMs.p50)],
  ['answers p90', ({ answerMs }) => duration(answerMs.p90)],
  ['margin p50', ({ marginMs }) => duration(marginMs.p50)],
]);

/** The pictures in numbers, and all that they leave out. @param {{ stats: any }} props */
export function RaceTable({ stats }) {
  return html`<section class="card" aria-labelledby="task-table">
    <h2 id="task-table">The race as a table</h2>
    ${stats.order && html`<p>The next run starts them in the order ${stats.order.join(', ')}, as it was learnt.</p>`}
    <div class="scroll" tabindex="0" role="group" aria-labelledby="task-table">
      <table>
        <thead>
          <tr>
            <th scope="col">sub-task</th>
            ${COLUMNS.map(([title]) => html`<th scope="col" class="number">${title}</th>`)}
          </tr>
        </thead>
        <tbody>
          ${stats.subTasks.map(
            (/** @type {any} */ subTask) =>
              html`<tr>
                <th scope="row">${subTask.name}</th>
                ${COLUMNS.map(([, cell]) => html`<td class="number">${cell(subTask)}</td>`)}
              </tr>`,
          )}
        </tbody>
      </table>
    </div>
  </section>`;
}
