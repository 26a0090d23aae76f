import { duration, time } from '../format.js';
import { html } from '../html.js';
import { JsonView } from '../parts/json-view.js';
import { Status } from '../parts/status.js';
import { randomKey } from '../random-key.js';
import { Command } from './actions.js';
import { heldBackText, moment, streamText } from './describe.js';
import { RunWebhooks } from './run-webhooks.js';

/** @typedef {import('./race.js').Race} Race */
/** @typedef {import('./race.js').Lane} Lane */

/** A part of the panel, where there is something to show. @param {{ title: string, children?: unknown }} props */
function Part({ title, children }) {
  return html`<section class="panel-part">
    <h3>${title}</h3>
    ${children}
  </section>`;
}

/** What the run as a whole is. @param {{ id: string, race: Race, webhooks: { url: string, events: string[] }[] }} props */
export function RunPanel({ id, race, webhooks }) {
  const { begun, labels, client, reply } = race;
  const { input, inputKept, replyPolicy, losers, deadline, requestId, traceparent } = begun;
  const facts = Object.entries({
    id: html`<code>${id}</code>`,
    created: time(race.start),
    finished: race.finishedAt === undefined ? undefined : moment(race.finishedAt),
    'reply policy': policyText(replyPolicy),
    losers: policyText(losers),
    deadline,
    'started by': client,
    labels:
      labels &&
      Object.entries(labels).map(([name, value]) => html`<code class="chip">${name}:${value}</code> `),
    request: requestId && html`<code>${requestId}</code>`,
    trace: traceparent && html`<code>${traceparent.split('-')[1]}</code>`,
  }).filter(([, value]) => value);
  return html`<h2>The run</h2>
    <dl class="facts">
      ${facts.map(
        ([name, value]) =>
          html`<dt>${name}</dt>
            <dd>${value}</dd>`,
      )}
    </dl>
    <${Part} title="Input">
      ${inputKept === false && html`<p class="soft">A part of it is kept out of the record.</p>`}
      <${JsonView} value=${input ?? null} />
    <//>
    ${reply && 'error' in reply && html`<${Part} title="The reply is an error"><${JsonView} value=${reply.error} /><//>`}
    ${reply && 'answeredBy' in reply && html`<${Part} title="Reply"><${JsonView} value=${reply.result} /><//>`}
    ${webhooks.length > 0 && html`<${Part} title="Webhooks"><${RunWebhooks} id=${id} webhooks=${webhooks} /><//>`}`;
}

/** @param {any} policy */
function policyText(policy) {
  if (typeof policy === 'string') return policy;
  const { policy: name, ...rest } = policy;
  const terms = Object.entries(rest).map(([term, value]) => `${term === name ? '' : `${term} `}${value}`);
  return [name, ...terms].join(', ');
}

/** A sub-task in all its details. @param {{ id: string, race: Race, lane: Lane, target: string | undefined, now: number, onClose: () => void, onRetried: () => void }} props */
export function SubTaskPanel({ id, race, lane, target, now, onClose, onRetried }) {
  const { error } = lane;
  return html`<div class="panel-head">
      <h2>${lane.name}</h2>
      <${Status} of=${lane.status} />
      ${lane.answered && html`<span class="chip chip-good">answered</span>`}
      <button type="button" class="quiet" aria-label="Close: show the run" onClick=${onClose}>✕</button>
    </div>
    ${target && html`<p class="panel-target">calls <code>${target}</code></p>`}
    ${lane.reason && html`<p>${lane.reason}</p>`}
    ${lane.heldBackAt !== undefined && html`<p>${heldBackText(lane)}</p>`}
    ${
      lane.status === 'failed' &&
      race.begun.inputKept !== false &&
      html`<p>
        <${Command}
          path=${`/runs/${id}/sub-tasks/${encodeURIComponent(lane.name)}/retry`}
          name="Retry"
          headers=${() => ({ 'Idempotency-Key': randomKey() })}
          onDone=${onRetried}
        />
      </p>`
    }
    ${
      error &&
      html`<${Part} title=${lane.status === 'failed' ? 'Error' : 'Error of the last attempt'}>
        <p class="panel-error"><code>${error.code}</code> ${error.message}</p>
      <//>`
    }
    ${
      error?.upstream &&
      html`<${Part} title=${`The upstream answered ${error.upstream.status}`}>
        <pre tabindex="0">${error.upstream.excerpt}</pre>
      <//>`
    }
    ${lane.hasResult && html`<${Part} title="Result"><${JsonView} value=${lane.result} /><//>`}
    ${
      lane.progress !== undefined &&
      !lane.hasResult &&
      html`<${Part} title="Progress"><${JsonView} value=${lane.progress} /><//>`
    }
    ${lane.attempts.length > 0 && html`<${Part} title="Attempts"><${Attempts} lane=${lane} now=${now} /><//>`}`;
}

/** @param {{ lane: Lane, now: number }} props */
function Attempts({ lane, now }) {
  return html`<ol class="attempts">
    ${lane.attempts.map(
      (attempt) =>
        html`<li key=${`${attempt.number}-${attempt.from}`}>
          <div><strong>${attempt.end}</strong> after ${duration((attempt.to ?? now) - attempt.from)}</div>
          <div class="soft">began at ${moment(attempt.from)}${attempt.why ? `: ${attempt.why}` : ''}</div>
          ${attempt.stream && html`<div>${streamText(attempt)}</div>`}
          ${attempt.error && html`<div><code>${attempt.error.code}</code> ${attempt.error.message}</div>`}
          ${
            attempt.dueAt !== undefined &&
            html`<div class="soft">next one due ${duration(attempt.dueAt - (attempt.to ?? 0))} later</div>`
          }
        </li>`,
    )}
  </ol>`;
}
