import { ask } from '../api.js';
import { time } from '../format.js';
import { html, useState } from '../html.js';
import { ConfirmButton } from '../parts/confirm-button.js';
import { ProblemNote } from '../parts/problem.js';
import { linkTo } from '../router.js';

/** Sub-tasks and runs that nodes gave up on. @param {{ dead: number, letters: any[], why: string | undefined, onChange: () => void }} props */
export function DeadLetters({ dead, letters, why, onChange }) {
  const [told, setTold] = useState('');
  const [error, setError] = useState(/** @type {unknown} */ (undefined));
  /** @param {object} body */
  const redrive = async (body) => {
    try {
      const { redriven } = await ask('/admin/queue/redrive', { method: 'POST', body });
      setTold(`${redriven.toLocaleString()} sent back`);
      setError(undefined);
    } catch (failure) {
      setError(failure);
    }
    onChange();
  };
  return html`<section class="card nodes-dead" aria-labelledby="nodes-dead">
    <div class="screen-head">
      <h2 id="nodes-dead">Dead letters</h2>
      ${
        dead > 0 &&
        html`<${ConfirmButton}
          label="Redrive all"
          question=${`All ${dead.toLocaleString()} are tried again.`}
          why=${why}
          onConfirm=${() => redrive({ all: true })}
        />`
      }
      <span class="soft" role="status">${told}</span>
    </div>
    ${dead > 0 && why && html`<p class="soft">${why}.</p>`}
    ${error && html`<${ProblemNote} error=${error} />`}
    ${
      dead === 0
        ? html`<p class="soft">There are none.</p>`
        : html`<div class="scroll" tabindex="0" role="group" aria-labelledby="nodes-dead">
            <table>
              <thead>
                <tr>
                  <th scope="col">run</th>
                  <th scope="col">task</th>
                  <th scope="col">sub-task</th>
                  <th scope="col">since</th>
                  <th scope="col" class="number">deliveries</th>
                  <th scope="col">why</th>
                  <th scope="col"><span class="unseen">do</span></th>
                </tr>
              </thead>
              <tbody>
                ${letters.map(
                  ({ runId, task, subTask, since, deliveries, reason }) =>
                    html`<tr key=${`${runId} ${subTask}`}>
                      <th scope="row">
                        <a href=${linkTo(['runs', runId])} title=${runId}>…${runId.slice(-6)}</a>
                      </th>
                      <td>${task}</td>
                      <td>${subTask ?? 'the whole run'}</td>
                      <td>${time(since)}</td>
                      <td class="number">${deliveries ?? '–'}</td>
                      <td>${reason}</td>
                      <td>
                        <${ConfirmButton}
                          label="Redrive"
                          question="It is tried again."
                          why=${why}
                          onConfirm=${() => redrive({ runs: [runId] })}
                        />
                      </td>
                    </tr>`,
                )}
              </tbody>
            </table>
          </div>`
    }
  </section>`;
}
