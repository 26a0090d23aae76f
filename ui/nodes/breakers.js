import { ask } from '../api.js';
import { time } from '../format.js';
import { html, useState } from '../html.js';
import { ConfirmButton } from '../parts/confirm-button.js';
import { ProblemNote } from '../parts/problem.js';

/** The breakers of upstreams; nothing where there are none. @param {{ breakers: any[], why: string | undefined, onChange: () => void }} props */
export function Breakers({ breakers, why, onChange }) {
  const [error, setError] = useState(/** @type {unknown} */ (undefined));
  /** @param {string} upstream */
  const reset = async (upstream) => {
    try {
      await ask(`/breakers/${encodeURIComponent(upstream)}`, { method: 'DELETE' });
      setError(undefined);
    } catch (failure) {
      setError(failure);
    }
    onChange();
  };
  if (breakers.length === 0) return null;
  return html`<section class="card" aria-labelledby="nodes-breakers">
    <h2 id="nodes-breakers">Breakers</h2>
    ${error && html`<${ProblemNote} error=${error} />`}
    <div class="scroll" tabindex="0" role="group" aria-labelledby="nodes-breakers">
      <table>
        <thead>
          <tr>
            <th scope="col">upstream</th>
            <th scope="col">state</th>
            <th scope="col">until</th>
            <th scope="col">why</th>
            <th scope="col">called by</th>
            <th scope="col"><span class="unseen">do</span></th>
          </tr>
        </thead>
        <tbody>
          ${breakers.map(
            ({ upstream, state, until, reason, attempts, failed, slow, subTasks }) =>
              html`<tr key=${upstream}>
                <th scope="row">${upstream}</th>
                <td>${state}</td>
                <td>${until === null ? '' : time(until)}</td>
                <td>${reason ?? `of ${attempts} attempts ${failed} failed, ${slow} were slow`}</td>
                <td>
                  ${subTasks.map((/** @type {any} */ { task, subTask }) => `${task}/${subTask}`).join(', ')}
                </td>
                <td>
                  ${
                    state !== 'closed' &&
                    html`<${ConfirmButton}
                      label="Reset"
                      question="It is called again."
                      why=${why}
                      onConfirm=${() => reset(upstream)}
                    />`
                  }
                </td>
              </tr>`,
          )}
        </tbody>
      </table>
    </div>
  </section>`;
}
