import { duration } from '../format.js';
import { html } from '../html.js';
import { JsonView } from '../parts/json-view.js';
import { percent } from './pictures.js';
import { losersWords, replyWords, startWords } from './words.js';

/** What a task declares. @param {{ task: any }} props */
export function Declaration({ task }) {
  const { subTasks, reply, losers, deadline, order, hedgeBudget, input } = task;
  const { concurrencyKey, concurrencyPerKey } = task;
  return html`<section class="card" aria-labelledby="task-declaration">
    <h2 id="task-declaration">As it is declared</h2>
    <dl class="terms">
      <dt>Reply</dt>
      <dd>${replyWords(reply)}</dd>
      <dt>Losers</dt>
      <dd>${losersWords(losers)} after the reply</dd>
      <dt>Deadline of a run</dt>
      <dd>${deadline ?? 'none'}</dd>
      <dt>Order</dt>
      <dd>${order === 'learned' ? 'the quickest first, as learnt' : 'as they are listed'}</dd>
      <dt>Hedge budget</dt>
      <dd>${hedgeBudget === null ? 'no bound' : `${percent(hedgeBudget)} of the runs`}</dd>
      ${
        concurrencyKey &&
        html`<dt>Slots shared by</dt>
          <dd>${concurrencyKey}${concurrencyPerKey && `, at most ${concurrencyPerKey} each`}</dd>`
      }
    </dl>
    <div class="scroll" tabindex="0" role="group" aria-label="Sub-tasks as they are declared">
      <table>
        <thead>
          <tr>
            <th scope="col">sub-task</th>
            <th scope="col">calls</th>
            <th scope="col">starts</th>
            <th scope="col" class="number">timeout</th>
            <th scope="col">attempts</th>
            <th scope="col" class="number">at once</th>
            <th scope="col">executed by</th>
          </tr>
        </thead>
        <tbody>
          ${subTasks.map(
            (
              /** @type {any} */ {
                name,
                target,
                start,
                when,
                shadow,
                timeoutMs,
                retry,
                concurrency,
                placement,
              },
            ) =>
              html`<tr>
                <th scope="row">${name}</th>
                <td>${target ? html`<code>${target}</code>` : 'code of the task'}</td>
                <td>
                  ${shadow ? `as a shadow, in ${shadow.sample} of the runs` : startWords(start)}
                  ${when !== undefined && html`, when <code>${when}</code>`}
                </td>
                <td class="number">${duration(timeoutMs)}</td>
                <td>
                  ${retry.attempts === 1 ? '1' : `${retry.attempts}, ${duration(retry.delayMs)} apart at first`}
                </td>
                <td class="number">${concurrency ?? 'any'}</td>
                <td>${placement === 'here' ? 'the node of the run' : 'a node that takes work'}</td>
              </tr>`,
          )}
        </tbody>
      </table>
    </div>
    <details class="task-input">
      <summary>JSON Schema of the input</summary>
      <${JsonView} value=${input} />
    </details>
  </section>`;
}
