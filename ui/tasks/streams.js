import { bytes } from '../format.js';
import { html } from '../html.js';
import { counted } from '../run/describe.js';
import { DurationStrips } from './pictures.js';

/** When streams began, and what racing them cost; nothing of a task whose sub-tasks don't stream. @param {{ stats: any }} props */
export function Streams({ stats }) {
  const streaming = stats.subTasks.filter((/** @type {any} */ { stream }) => stream);
  if (streaming.length === 0) return null;
  /** @type {{ name: string, times: any, isReply?: boolean }[]} */
  const rows = streaming.map((/** @type {any} */ { name, stream }) => ({ name, times: stream.firstChunkMs }));
  if (stats.firstChunkMs) rows.unshift({ name: 'callers', times: stats.firstChunkMs, isReply: true });
  const { attempts, chunks, tokens } = stats.hedging.cut;
  return html`<section class="card" aria-labelledby="task-streams">
    <h2 id="task-streams">How soon streams begin, and what was cut off</h2>
    ${rows.some(({ times }) => times.count > 0) && html`<${DurationStrips} rows=${rows} none="no chunk" />`}
    <p>
      <b>Cost:</b> ${`${counted(attempts, 'cancelled stream')} with ${counted(chunks, 'chunk')}`}${
        tokens > 0 && html` and <b>${counted(tokens, 'token')}</b>`
      }.
    </p>
    <div class="scroll" tabindex="0" role="group" aria-labelledby="task-streams">
      <table>
        <thead>
          <tr>
            <th scope="col">sub-task</th>
            ${COLUMNS.map((title) => html`<th scope="col" class="number">${title}</th>`)}
          </tr>
        </thead>
        <tbody>
          ${streaming.map(
            (/** @type {any} */ { name, stream }) =>
              html`<tr>
                <th scope="row">${name}</th>
                ${[stream.cancelled, stream.failed].flatMap((cut) =>
                  [
                    cut.attempts.toLocaleString(),
                    cut.chunks.toLocaleString(),
                    bytes(cut.bytes),
                    cut.tokens.toLocaleString(),
                  ].map((value) => html`<td class="number">${value}</td>`),
                )}
              </tr>`,
          )}
        </tbody>
      </table>
    </div>
  </section>`;
}

const COLUMNS = ['cancelled', 'failed'].flatMap((how) => [how, 'chunks', 'bytes', 'tokens']);
