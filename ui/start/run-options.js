import { html } from '../html.js';
import { labelsIn } from '../labels.js';
import { randomKey } from '../random-key.js';

/** What a policy takes besides its name. @type {Record<string, [string, string, boolean][]>} member, hint, whether it is a number */
const TERMS = {
  'first-success': [],
  'first-settled': [],
  primary: [['primary', 'the name of a sub-task', false]],
  quorum: [['quorum', 'how many, such as 2', true]],
  all: [],
  agreement: [['agreement', 'how many equal results, such as 2', true]],
  deadline: [['deadline', 'such as 2s', false]],
};

/** What the options begin with: all as the task decides, and a key of its own. */
export function blankOptions() {
  return { policy: '', term: '', losers: '', after: '2s', labels: '', key: randomKey() };
}

/** @typedef {ReturnType<typeof blankOptions>} Options */

/** The members of the request that they come to, each as JSON. @param {Options} options @returns {string[]} */
export function optionTexts({ policy, term, losers, after, labels }) {
  const [name, , isNumber] = TERMS[policy]?.[0] ?? [];
  const parts = [];
  if (policy !== '')
    parts.push(
      `"reply":${JSON.stringify({ policy, ...(name && { [name]: isNumber ? Number(term) : term }) })}`,
    );
  if (losers !== '')
    parts.push(`"losers":${JSON.stringify(losers === 'cancel-after' ? { policy: losers, after } : losers)}`);
  const pairs = labelsIn(labels).map((text) => text.split(/:(.*)/s));
  if (pairs.length > 0)
    parts.push(
      `"labels":${JSON.stringify(Object.fromEntries(pairs.map(([label, value = '']) => [label, value])))}`,
    );
  return parts;
}

/** @param {{ options: Options, onChange: (options: Options) => void }} props */
export function RunOptions({ options, onChange }) {
  const set = (/** @type {keyof Options} */ name) => (/** @type {any} */ event) =>
    onChange({ ...options, [name]: event.currentTarget.value });
  const term = TERMS[options.policy]?.[0];
  return html`<details class="start-options">
    <summary>Options</summary>
    <div class="field">
      <label
        >Reply policy
        <select value=${options.policy} onChange=${set('policy')}>
          <option value="">as the task decides</option>
          ${Object.keys(TERMS).map((name) => html`<option value=${name}>${name}</option>`)}
        </select></label
      >
      ${term && html`<label>${term[0]} <input value=${options.term} placeholder=${term[1]} onInput=${set('term')} /></label>`}
    </div>
    <div class="field">
      <label
        >Losers
        <select value=${options.losers} onChange=${set('losers')}>
          <option value="">as the task decides</option>
          ${['continue', 'cancel', 'cancel-after'].map((name) => html`<option value=${name}>${name}</option>`)}
        </select></label
      >
      ${options.losers === 'cancel-after' && html`<label>after <input value=${options.after} onInput=${set('after')} /></label>`}
    </div>
    <div class="field">
      <label
        >Labels
        <input
          value=${options.labels}
          placeholder="tenant:acme order:4711"
          spellcheck=${false}
          onInput=${set('labels')}
      /></label>
    </div>
    <div class="field">
      <label>Idempotency-Key <input value=${options.key} spellcheck=${false} onInput=${set('key')} /></label>
    </div>
  </details>`;
}
