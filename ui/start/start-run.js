import { ask, Problem } from '../api.js';
import { html, useEffect, useRef, useState } from '../html.js';
import { Dialog } from '../parts/dialog.js';
import { ProblemNote } from '../parts/problem.js';
import { goTo } from '../router.js';
import { textOf } from './form-text.js';
import { blankOptions, optionTexts, RunOptions } from './run-options.js';
import { Field } from './schema-form.js';
import { blank } from './schema-kinds.js';

/** @typedef {import('./form-text.js').Flaw} Flaw */

/** Where the input stands in a request. */
const INPUT = '/input';

/**
 * Starts a run, and leads to it.
 *
 * @param {{ tasks: any[], task: string, onTask: (name: string) => void, onClose: () => void }} props
 */
export function StartRun({ tasks, task: name, onTask, onClose }) {
  const task = tasks.find((one) => one.name === name) ?? tasks[0];
  return html`<${Dialog} title="Start a run" onClose=${onClose}>
    <div class="field">
      <label
        >Task
        <select
          value=${task?.name}
          onChange=${(/** @type {any} */ event) => onTask(event.currentTarget.value)}
        >
          ${tasks.map((one) => html`<option key=${one.name} value=${one.name}>${one.name}</option>`)}
        </select></label
      >
    </div>
    ${task ? html`<${Form} key=${task.name} task=${task} onClose=${onClose} />` : html`<p class="soft">Loading the tasks…</p>`}
  <//>`;
}

/** @param {{ task: any, onClose: () => void }} props */
function Form({ task, onClose }) {
  const form = useRef(/** @type {HTMLFormElement | null} */ (null));
  const [raw, setRaw] = useState(() => blank(task.input, task.input));
  const [options, setOptions] = useState(blankOptions);
  const [flaws, setFlaws] = useState(/** @type {Flaw[]} */ ([]));
  const [error, setError] = useState(/** @type {unknown} */ (undefined));
  const [isAsking, setAsking] = useState(false);
  useEffect(() => {
    const wrong = form.current?.querySelector('[aria-invalid="true"]');
    if (wrong instanceof HTMLElement) wrong.focus();
  }, [flaws]);

  const start = async (/** @type {Event} */ event) => {
    event.preventDefault();
    /** @type {Flaw[]} */
    const found = [];
    const input = textOf(task.input, raw, { root: task.input, pointer: INPUT, isNeeded: true, flaws: found });
    setFlaws(found);
    setError(undefined);
    if (found.length > 0) return;
    setAsking(true);
    const members = [...(input === undefined ? [] : [`"input":${input}`]), ...optionTexts(options)];
    try {
      const run = await ask(`/tasks/${encodeURIComponent(task.name)}/runs`, {
        method: 'POST',
        body: `{${members.join(',')}}`,
        // The page shows the race while it goes on.
        headers: { Prefer: 'respond-async', ...(options.key !== '' && { 'Idempotency-Key': options.key }) },
      });
      goTo(['runs', run.id]);
    } catch (thrown) {
      setAsking(false);
      show(thrown);
    }
  };
  const show = (/** @type {unknown} */ thrown) => {
    if (thrown instanceof Problem) {
      const isOfInput = (/** @type {{ pointer?: string }} */ { pointer = '' }) =>
        `${pointer}/`.startsWith(`${INPUT}/`);
      const ofInput = /** @type {Flaw[]} */ (thrown.errors.filter(isOfInput));
      setFlaws(ofInput);
      // Its fields say all there is to say.
      if (ofInput.length > 0 && ofInput.length === thrown.errors.length) return;
      thrown.errors = thrown.errors.filter((one) => !isOfInput(one));
    }
    setError(thrown);
  };

  return html`<form ref=${form} class="start" novalidate onSubmit=${start}>
    <${Field}
      name="Input"
      schema=${task.input}
      root=${task.input}
      pointer=${INPUT}
      raw=${raw}
      onChange=${setRaw}
      isNeeded=${false}
      flaws=${flaws}
    />
    <${RunOptions} options=${options} onChange=${setOptions} />
    ${error !== undefined && html`<${ProblemNote} error=${error} />`}
    <div class="dialog-end">
      <button type="button" onClick=${onClose}>Close</button>
      <button type="submit" class="primary" disabled=${isAsking}>Start</button>
    </div>
  </form>`;
}
