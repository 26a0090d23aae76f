import { ask } from '../api.js';
import { duration } from '../format.js';
import { html, useState } from '../html.js';
import { ConfirmButton } from '../parts/confirm-button.js';
import { ProblemNote } from '../parts/problem.js';

/** A node that was not seen for so long is probably gone: half of the default `NODE_TIMEOUT`. */
const LATE_MS = 5_000;

/** @param {{ node: any, canDrain: boolean, why: string | undefined, onChange: () => void }} props */
export function NodeCard({ node, canDrain, why, onChange }) {
  const { id, self, role, state, startedAt, seenMs, runs, slots, version, skewMs, lagMs } = node;
  const [error, setError] = useState(/** @type {unknown} */ (undefined));
  const isDraining = state === 'draining';
  const deed = isDraining ? 'undrain' : 'drain';
  const change = async () => {
    try {
      await ask(`/admin/nodes/${encodeURIComponent(id)}/${deed}`, { method: 'POST' });
      setError(undefined);
    } catch (failure) {
      setError(failure);
    }
    onChange();
  };
  return html`<li class="card node">
    <div class="screen-head">
      <h2><code title=${id}>…${id.slice(-6)}</code></h2>
      <span class="tag">${role}</span>
      ${self && html`<span class="tag">answers this page</span>`}
      <span class=${isDraining || seenMs > LATE_MS ? 'node-state node-late' : 'node-state'}
        >${seenMs > LATE_MS ? 'not seen' : state}</span
      >
    </div>
    <${Slots} slots=${slots} />
    <dl class="terms">
      <dt>Last heartbeat</dt>
      <dd>${duration(seenMs)} ago</dd>
      <dt>Runs</dt>
      <dd>${runs.toLocaleString()}</dd>
      <dt>Up for</dt>
      <dd>${startedAt ? duration(Date.now() - Date.parse(startedAt)) : '–'}</dd>
      <dt>Version</dt>
      <dd>${version ?? 'unknown'}</dd>
      ${
        canDrain &&
        html`<dt>Its clock</dt>
          <dd>${duration(Math.abs(skewMs))} ${skewMs < 0 ? 'behind' : 'ahead'}</dd>
          <dt>Commit under way</dt>
          <dd>${duration(lagMs)}</dd>`
      }
    </dl>
    ${error && html`<${ProblemNote} error=${error} />`}
    ${
      canDrain &&
      html`<${ConfirmButton}
        label=${isDraining ? 'Let it take runs' : 'Drain'}
        question=${isDraining ? 'It takes new runs again.' : 'It takes no new run. What it has goes on.'}
        why=${why}
        onConfirm=${change}
      />`
    }
  </li>`;
}

/** @param {{ slots: { used: number, limit: number | null } }} props */
function Slots({ slots: { used, limit } }) {
  const text = `${used.toLocaleString()}${limit === null ? '' : ` of ${limit.toLocaleString()}`} slots used`;
  const share = limit ? Math.min(1, used / limit) : 0;
  return html`<div class="node-slots">
    <svg width="100%" height="8" aria-hidden="true">
      <rect class="lane-ground" width="100%" height="8" rx="4" />
      <rect
        class=${share > 0.9 ? 'lane-bar lane-full' : 'lane-bar'}
        width=${`${share * 100}%`}
        height="8"
        rx="4"
      />
    </svg>
    <span>${text}</span>
  </div>`;
}
