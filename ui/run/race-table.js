import { duration } from '../format.js';
import { html } from '../html.js';
import { moment, streamText } from './describe.js';

/** The race for those who read it row by row. @param {{ race: import('./race.js').Race }} props */
export function RaceTable({ race }) {
  const streams = race.lanes.some(({ attempts }) => attempts.some(({ stream }) => stream));
  return html`<details class="race-table">
    <summary>The race as a table</summary>
    <div class="scrolls" tabindex="0" role="region" aria-label="The race as a table">
      <table>
        <thead>
          <tr>
            ${[...TITLES, ...(streams ? ['Streamed'] : [])].map((title) => html`<th scope="col">${title}</th>`)}
          </tr>
        </thead>
        <tbody>
          ${race.lanes.flatMap((lane) => rowsOf(lane, streams))}
        </tbody>
      </table>
    </div>
  </details>`;
}

const TITLES = ['Sub-task', 'Status', 'Attempt', 'Began', 'Why then', 'Took', 'Ended'];

/** @param {import('./race.js').Lane} lane @param {boolean} streams */
function rowsOf(lane, streams) {
  const name = html`<th scope="row">${lane.name}</th>`;
  const status = `${lane.status}${lane.answered ? ', answered' : ''}${lane.isShadow ? ', shadow' : ''}`;
  if (lane.attempts.length === 0)
    return [
      html`<tr>
        ${name}
        <td>${status}</td>
        <td>0</td>
        <td>–</td>
        <td>${lane.reason ?? '–'}</td>
        <td>–</td>
        <td>–</td>
        ${streams && html`<td>–</td>`}
      </tr>`,
    ];
  return lane.attempts.map(
    (attempt) =>
      html`<tr key=${`${lane.name}-${attempt.from}`}>
        ${name}
        <td>${status}</td>
        <td>${attempt.number}</td>
        <td>${moment(attempt.from)}</td>
        <td>${attempt.why ?? 'with the run'}</td>
        <td>${attempt.to === undefined ? '–' : duration(attempt.to - attempt.from)}</td>
        <td>${attempt.end}${attempt.error ? `: ${attempt.error.code}` : ''}</td>
        ${streams && html`<td>${attempt.stream ? streamText(attempt) : '–'}</td>`}
      </tr>`,
  );
}
