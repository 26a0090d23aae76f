import { duration } from '../format.js';
import { html } from '../html.js';

/** @param {{ queue: any, areMany: boolean }} props */
export function QueueCard({ queue, areMany }) {
  const {
    queued,
    keys,
    unfinished,
    waiting,
    setAside,
    deliveries,
    oldestDeliveryMs,
    commands,
    paused,
    pausedQueues,
  } = queue;
  const count = (/** @type {number} */ value) => (value ?? 0).toLocaleString();
  return html`<section class="card" aria-labelledby="nodes-queue">
    <h2 id="nodes-queue">Queue</h2>
    <dl class="terms">
      <dt>Unfinished runs</dt>
      <dd>${count(unfinished)}</dd>
      <dt>Wait for a slot here</dt>
      <dd>${count(queued)}</dd>
      ${
        keys?.length > 0 &&
        html`<dt>Of these, by key</dt>
          <dd>
            ${keys.map((/** @type {any} */ { key, queued }) => html`<div><code>${key}</code>: ${count(queued)}</div>`)}
          </dd>`
      }
      <dt>Set aside</dt>
      <dd>${count(setAside)}</dd>
      ${
        areMany &&
        html`<dt>Wait for a node that knows their task</dt>
          <dd>${count(waiting)}</dd>
          <dt>Sub-tasks due for any node</dt>
          <dd>${count(deliveries)}${deliveries > 0 && `, the oldest for ${duration(oldestDeliveryMs)}`}</dd>
          <dt>Cancels and retries to do</dt>
          <dd>${count(commands)}</dd>`
      }
      ${
        paused?.length > 0 &&
        html`<dt>Paused tasks</dt>
          <dd>${paused.join(', ')}</dd>`
      }
      ${
        pausedQueues?.length > 0 &&
        html`<dt>Paused queues</dt>
          <dd>${pausedQueues.join(', ')}</dd>`
      }
    </dl>
  </section>`;
}
