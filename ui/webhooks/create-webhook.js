import { ask, Problem } from '../api.js';
import { EVENT_TYPES } from '../event-types.js';
import { html, useEffect, useId, useRef, useState } from '../html.js';
import { labelsIn } from '../labels.js';
import { Dialog } from '../parts/dialog.js';
import { ProblemNote } from '../parts/problem.js';
import { goTo } from '../router.js';
import { Secret } from './secret.js';

/** @typedef {{ pointer?: string, detail: string }} Flaw */

const BLANK = {
  url: '',
  description: '',
  events: ['run.replied', 'run.finished'],
  tasks: '',
  labels: '',
  format: '',
  secret: '',
};

/** @typedef {typeof BLANK} Form */

const FORMATS = [
  ['', 'the event as the API shows it'],
  ['cloudevents', 'CloudEvents 1.0, structured'],
  ['cloudevents-binary', 'CloudEvents 1.0, binary'],
];

/** What the form asks for; what is left empty is left out. @param {Form} form */
function bodyOf({ url, description, events, tasks, labels, format, secret }) {
  const names = tasks.split(/[\s,]+/).filter(Boolean);
  const pairs = labelsIn(labels).map((text) => text.split(/:(.*)/s));
  return {
    url: url.trim(),
    events,
    ...(description.trim() !== '' && { description: description.trim() }),
    ...(names.length > 0 && { tasks: names }),
    ...(pairs.length > 0 && { labels: Object.fromEntries(pairs.map(([name, value = '']) => [name, value])) }),
    ...(format !== '' && { format }),
    ...(secret.trim() !== '' && { secret: secret.trim() }),
  };
}

/** Makes a webhook, shows its secret, and leads to it. @param {{ onClose: () => void }} props */
export function CreateWebhook({ onClose }) {
  const [made, setMade] = useState(/** @type {any} */ (undefined));
  const leave = () => goTo(['webhooks', made.id]);
  return html`<${Dialog}
    title=${made ? 'The webhook is made' : 'Create a webhook'}
    onClose=${made ? leave : onClose}
  >
    ${
      made
        ? html`<${Secret} secret=${made.secret} onClose=${leave} />`
        : html`<${WebhookForm} onMade=${setMade} onClose=${onClose} />`
    }
  <//>`;
}

/** @param {{ onMade: (webhook: any) => void, onClose: () => void }} props */
function WebhookForm({ onMade, onClose }) {
  const element = useRef(/** @type {HTMLFormElement | null} */ (null));
  const [form, setForm] = useState(BLANK);
  const [error, setError] = useState(/** @type {unknown} */ (undefined));
  const [isAsking, setAsking] = useState(false);
  const flaws = error instanceof Problem ? error.errors : [];
  const elsewhere = flaws.filter(({ pointer = '' }) => !((pointer.split('/')[1] ?? '') in BLANK));
  useEffect(() => {
    const wrong = element.current?.querySelector('[aria-invalid="true"]');
    if (wrong instanceof HTMLElement) wrong.focus();
  }, [error]);
  const create = async (/** @type {Event} */ event) => {
    event.preventDefault();
    setAsking(true);
    try {
      onMade(await ask('/webhooks', { method: 'POST', body: bodyOf(form) }));
    } catch (thrown) {
      setAsking(false);
      setError(thrown);
    }
  };
  /** @param {Exclude<keyof Form, 'events'>} name */
  const fieldOf = (name) => ({
    value: form[name],
    flaws: flawsOf(name, flaws),
    onInput: (/** @type {string} */ value) => setForm({ ...form, [name]: value }),
  });
  return html`<form ref=${element} novalidate onSubmit=${create}>
    <${TextField} title="URL" hint="https://hooks.example.com/frontrunner" isNeeded ...${fieldOf('url')} />
    <${EventBoxes}
      chosen=${form.events}
      flaws=${flawsOf('events', flaws)}
      onChange=${(/** @type {string[]} */ events) => setForm({ ...form, events })}
    />
    <${TextField} title="Only runs of these tasks" hint="all" ...${fieldOf('tasks')} />
    <${TextField} title="Only runs with these labels" hint="tenant:acme" ...${fieldOf('labels')} />
    <div class="field">
      <label
        >Body
        <select
          value=${form.format}
          onChange=${(/** @type {any} */ event) => setForm({ ...form, format: event.currentTarget.value })}
        >
          ${FORMATS.map(([value, title]) => html`<option value=${value}>${title}</option>`)}
        </select></label
      >
    </div>
    <${TextField} title="Description" hint="" ...${fieldOf('description')} />
    <${TextField} title="Secret" hint="made by the service" ...${fieldOf('secret')} />
    ${error !== undefined && (flaws.length === 0 || elsewhere.length > 0) && html`<${ProblemNote} error=${error} />`}
    <div class="dialog-end">
      <button type="button" onClick=${onClose}>Close</button>
      <button type="submit" class="primary" disabled=${isAsking}>Create</button>
    </div>
  </form>`;
}

/** @param {string} name @param {Flaw[]} flaws */
function flawsOf(name, flaws) {
  return flaws.filter(({ pointer = '' }) => `${pointer}/`.startsWith(`/${name}/`));
}

/** @param {{ title: string, hint: string, value: string, flaws: Flaw[], onInput: (value: string) => void, isNeeded?: boolean }} props */
function TextField({ title, hint, value, flaws, onInput, isNeeded = false }) {
  const id = useId();
  return html`<div class="field">
    <label for=${id}>${title}${isNeeded && html` <span class="soft">needed</span>`}</label>
    <input
      id=${id}
      value=${value}
      placeholder=${hint}
      spellcheck=${false}
      autocomplete="off"
      aria-required=${isNeeded}
      aria-invalid=${flaws.length > 0}
      aria-describedby=${`${id}-notes`}
      onInput=${(/** @type {any} */ event) => onInput(event.currentTarget.value)}
    />
    <${Flaws} id=${`${id}-notes`} flaws=${flaws} />
  </div>`;
}

/** @param {{ chosen: string[], flaws: Flaw[], onChange: (types: string[]) => void }} props */
function EventBoxes({ chosen, flaws, onChange }) {
  const types = EVENT_TYPES.filter((type) => type !== 'run.erased');
  return html`<fieldset class="field-group webhooks-events">
    <legend>Events</legend>
    ${types.map(
      (type) =>
        html`<label key=${type}
          ><input
            type="checkbox"
            checked=${chosen.includes(type)}
            onChange=${() => onChange(types.filter((one) => chosen.includes(one) !== (one === type)))}
          />${type}</label
        >`,
    )}
    <${Flaws} flaws=${flaws} />
  </fieldset>`;
}

/** @param {{ id?: string, flaws: Flaw[] }} props */
function Flaws({ id, flaws }) {
  return html`<div id=${id} class="field-notes">
    ${flaws.map(({ detail }) => html`<div class="field-flaw">${detail}</div>`)}
  </div>`;
}
