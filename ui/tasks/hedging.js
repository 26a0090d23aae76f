import { duration } from '../format.js';
import { html } from '../html.js';
import { percent } from './pictures.js';
import { isHedge } from './words.js';

/** @param {number} count @param {string} one @param {string} [more] */
const counted = (count, one, more = `${one}s`) => `${count.toLocaleString()} ${count === 1 ? one : more}`;

/** What hedging cost, and what it saved. @param {{ task: any, stats: any }} props */
export function Hedging({ task, stats }) {
  const { hedging, replyMs, learntMs } = stats;
  if (!task.subTasks.some((/** @type {any} */ { start }) => isHedge(start)) && hedging.extraStarts === 0)
    return null;
  const { extraStarts, extraStartShare, heldBack, savedMs, savedRuns, withoutHedgesMs, unknownRuns } =
    hedging;
  return html`<section class="card" aria-labelledby="task-hedging">
    <h2 id="task-hedging">What hedging cost and saved</h2>
    <div class="task-hedging">
      <div>
        <p>
          <b>Cost:</b> ${counted(extraStarts, 'extra start')}, ${percent(extraStartShare)} of the
          runs.${heldBack > 0 && ` The hedge budget held back ${heldBack.toLocaleString()} more.`}
        </p>
        <p>
          <b>Saved:</b>${' '}${
            savedMs > 0
              ? `${counted(savedRuns, 'reply', 'replies')} came sooner, by ${duration(savedMs / savedRuns)} on average and ${duration(savedMs)} in all.`
              : 'no reply came sooner so far.'
          }
          ${unknownRuns > 0 && ` Of ${counted(unknownRuns, 'run')} it is not known.`}
        </p>
        ${
          learntMs.p50 !== null &&
          html`<p><b>Learnt:</b> ${learnt(learntMs)}. Rules such as <code>after: p95</code> go by these.</p>`
        }
      </div>
      <div class="scroll" tabindex="0" role="group" aria-label="Reply times with and without hedges">
        <table>
          <thead>
            <tr>
              <th scope="col">reply time</th>
              ${['p50', 'p90', 'p99'].map((name) => html`<th scope="col" class="number">${name}</th>`)}
            </tr>
          </thead>
          <tbody>
            <${Times} title="as it was" times=${replyMs} />
            <${Times} title="without hedges" times=${withoutHedgesMs} />
          </tbody>
        </table>
      </div>
    </div>
  </section>`;
}

/** @param {Record<string, number | null>} learntMs by quantile */
function learnt(learntMs) {
  const known = Object.entries(learntMs).filter(([, ms]) => ms !== null);
  return known.map(([quantile, ms]) => `${quantile} is ${duration(ms)}`).join(', ');
}

/** @param {{ title: string, times: any }} props */
function Times({ title, times }) {
  return html`<tr>
    <th scope="row">${title}</th>
    ${['p50', 'p90', 'p99'].map((name) => html`<td class="number">${duration(times[name])}</td>`)}
  </tr>`;
}
