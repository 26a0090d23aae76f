import { html } from '../html.js';

/** @typedef {import('./race.js').Race} Race */
/** @typedef {import('./race.js').Lane} Lane */

const BLOCK = 'M1 1h16v8h-16z';
const LINE = 'M0 5h18';
/** What a look means, and which lanes have it. @type {[string, string, string, (lane: Lane, race: Race) => boolean][]} */
const LOOKS = [
  ['answered', 'race-bar race-winner', BLOCK, ({ answered }) => answered],
  ['running', 'race-bar race-running', BLOCK, ({ status }) => status === 'running'],
  ['succeeded', 'race-bar', BLOCK, ({ status, answered }) => status === 'succeeded' && !answered],
  [
    'after the reply',
    'race-bar race-after',
    BLOCK,
    ({ attempts, answered }, { repliedAt = Infinity }) =>
      !answered && attempts.some(({ to = Infinity }) => to > repliedAt),
  ],
  [
    'first chunk',
    'race-chunk',
    'M9 0v10',
    ({ attempts }) => attempts.some(({ firstChunkAt }) => firstChunkAt !== undefined),
  ],
  ['failed', 'race-bar race-failed', BLOCK, ({ attempts }) => attempts.some(({ end }) => end === 'failed')],
  ['cancelled', 'race-bar race-cancelled', BLOCK, ({ attempts }) => attempts.at(-1)?.end === 'cancelled'],
  [
    'cut off by a stop',
    'race-bar race-cut-off',
    BLOCK,
    ({ attempts }) => attempts.some(({ end }) => end === 'cut off'),
  ],
  ['wait for a retry', 'race-gap', LINE, ({ attempts }) => attempts.some(({ dueAt }) => dueAt !== undefined)],
  [
    'not started yet',
    'race-wait',
    LINE,
    ({ attempts, status }) => status === 'pending' || attempts[0]?.why !== undefined,
  ],
  ['held back', 'race-held', 'M9 0l5 5-5 5-5-5z', ({ heldBackAt }) => heldBackAt !== undefined],
];

/** What the looks in this race mean. @param {{ race: Race }} props */
export function Legend({ race }) {
  const shown = LOOKS.filter(([, , , has]) => race.lanes.some((lane) => has(lane, race)));
  return html`<div class="race-legend">
    ${shown.map(
      ([text, look, path]) =>
        html`<span key=${text}
          ><svg width="18" height="10" aria-hidden="true">
            <path class=${look} d=${path} />
            ${text === 'cancelled' && html`<path d=${path} fill="url(#race-hatch)" />`}</svg
          >${text}</span
        >`,
    )}
  </div>`;
}
