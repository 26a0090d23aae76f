import { html, useEffect, useRef } from '../html.js';
import { counted } from './describe.js';

/** @typedef {import('../../src/core/events.ts').RunEvent} RunEvent */
/**
 * Whose stream callers are shown, and what they see.
 *
 * @typedef {object} ShownStream
 * @property {string} subTask
 * @property {number} attempt
 * @property {boolean} ended whether it has broken off
 * @property {boolean} broken whether another may take its place
 * @property {number} chunks
 * @property {string} text the end of it
 */

/** So much of a text is kept, in characters. */
const MOST_TEXT = 20_000;

/** What is shown after an event, as `src/core/stream-lead.ts` has it. @param {ShownStream | undefined} shown @param {any} terms the data of `run.started` @param {RunEvent} event @returns {ShownStream | undefined} */
export function shownAfter(shown, terms, event) {
  if (!('subTask' in event)) return shown;
  const { subTask, attempt } = event;
  if (event.type !== 'sub-task.streamed') {
    if (shown?.subTask !== subTask) return shown;
    const begins = event.type === 'sub-task.started';
    const breaks = BREAKS.includes(event.type);
    shown.ended ||= begins || breaks;
    shown.broken ||= begins || (breaks && terms.onBreak === 'restart');
    return shown;
  }
  const { first, chunks } = event.data;
  const isNew = (!shown || shown.broken) && first === 0 && mayLead(terms.replyPolicy, subTask);
  const now = isNew ? { subTask, attempt, ended: false, broken: false, chunks: 0, text: '' } : shown;
  if (!now || now.broken || now.subTask !== subTask || now.attempt !== attempt) return shown;
  const fresh = chunks.slice(Math.max(0, now.chunks - first));
  now.chunks = first + chunks.length;
  now.text = (now.text + chunksText(fresh)).slice(-MOST_TEXT);
  return now;
}

const BREAKS = ['sub-task.retrying', 'sub-task.failed', 'sub-task.cancelled'];

/** @param {any} policy @param {string} subTask */
function mayLead({ policy, primary }, subTask) {
  return policy === 'primary'
    ? primary === subTask
    : policy === 'first-success' || policy === 'first-settled';
}

/** @param {readonly any[]} chunks */
export function chunksText(chunks) {
  return chunks
    .map((chunk) =>
      typeof chunk === 'string'
        ? chunk
        : `${JSON.stringify(chunk, (_key, part) => (typeof part === 'bigint' ? String(part) : part))}\n`,
    )
    .join('');
}

/** The stream as callers see it. @param {{ shown: ShownStream }} props */
export function StreamText({ shown: { subTask, chunks, text, ended } }) {
  const box = useRef(/** @type {HTMLElement | null} */ (null));
  useEffect(() => {
    if (box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [text]);
  return html`<section class="card run-stream" aria-label="What callers are shown">
    <h2>
      <b>${subTask}</b> ${ended ? 'broke off' : 'streams'}${' '}
      <span class="soft">${counted(chunks, 'chunk')}</span>
    </h2>
    <pre ref=${box} tabindex="0" aria-label=${`The stream of ${subTask}`}>${text}</pre>
  </section>`;
}
