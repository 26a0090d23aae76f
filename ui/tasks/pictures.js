import { duration } from '../format.js';
import { html } from '../html.js';

/** @param {number | null} share from 0 to 1 */
export function percent(share) {
  if (share === null) return '–';
  return `${(share * 100).toFixed(share > 0 && share < 0.1 ? 1 : 0)} %`;
}

/** In how many of the replies each sub-task's result was. @param {{ stats: any }} props */
export function WinBars({ stats }) {
  return html`<ul class="lanes">
    ${stats.subTasks.map(
      (/** @type {any} */ { name, wins, winShare, marginMs }) =>
        html`<li class="lane">
          <span class="lane-name" title=${name}>${name}</span>
          <svg class="lane-picture" width="100%" height="14" aria-hidden="true">
            <rect class="lane-ground" width="100%" height="14" rx="3" />
            <rect class="lane-bar" width=${`${(winShare ?? 0) * 100}%`} height="14" rx="3" />
          </svg>
          <span class="lane-numbers"
            ><b>${percent(winShare)}</b> ${`${wins.toLocaleString()} ${wins === 1 ? 'win' : 'wins'}`}${
              marginMs.count > 0 && html`<span class="soft"> by ${duration(marginMs.p50)}</span>`
            }</span
          >
        </li>`,
    )}
  </ul>`;
}

/**
 * A logarithmic scale with ticks at 1, 2 and 5 of each power of ten.
 *
 * @param {number[]} values
 * @returns {{ at: (value: number) => number, ticks: number[] }} `at`: the place of a value in percent of the width
 */
function logScale(values) {
  const found = values.filter((value) => value > 0);
  const positive = found.length > 0 ? found : [1];
  const [least, most] = [Math.min(...positive), Math.max(...positive)];
  const from = Math.floor(Math.log10(least));
  const powers = Array.from({ length: Math.ceil(Math.log10(most)) - from + 2 }, (_, step) => from + step);
  const steps = powers.flatMap((power) => [1, 2, 5].map((step) => Number(`${step}e${power}`)));
  const low = steps.findLast((step) => step <= least) ?? least;
  const high = steps.find((step) => step >= most && step > low) ?? most;
  return {
    at: (value) => (100 * Math.log(Math.max(value, low) / low)) / Math.log(high / low),
    ticks: steps.filter((step) => step >= low && step <= high),
  };
}

const MOST_TICKS = 6;

/** The rows of {@link DurationStrips}: the reply and each sub-task. @param {any} stats */
export function durationRows({ replyMs, subTasks }) {
  return [
    { name: 'reply', times: replyMs, isReply: true },
    ...subTasks.map((/** @type {any} */ { name, durationMs }) => ({ name, times: durationMs })),
  ];
}

/**
 * p50, p90 and p99 of each row, on one scale.
 *
 * @param {{ rows: { name: string, times: any, isReply?: boolean }[], none?: string }} props `none`: what is said of a row without times
 */
export function DurationStrips({ rows, none = 'no success' }) {
  const known = rows.filter(({ times }) => times.count > 0);
  if (known.length === 0) return html`<p class="soft">Nothing has succeeded yet.</p>`;
  const { at, ticks } = logScale(known.flatMap(({ times }) => [times.p50, times.p99]));
  const every = Math.ceil(ticks.length / MOST_TICKS);
  return html`<ul class="lanes">
    ${rows.map(
      ({ name, times, isReply }) =>
        html`<li class=${isReply ? 'lane lane-reply' : 'lane'}>
          <span class="lane-name" title=${name}>${name}</span>
          <svg class="lane-picture" width="100%" height="14" aria-hidden="true">
            ${ticks.map(
              (tick) =>
                html`<line class="lane-tick" x1=${`${at(tick)}%`} x2=${`${at(tick)}%`} y1="0" y2="14" />`,
            )}
            ${times.count > 0 && html`<${Strip} from=${at(times.p50)} to=${at(times.p90)} end=${at(times.p99)} />`}
          </svg>
          <span class="lane-numbers"
            >${
              times.count > 0
                ? html`<b>${duration(times.p50)}</b> · ${duration(times.p90)} · ${duration(times.p99)}`
                : html`<span class="soft">${none}</span>`
            }</span
          >
        </li>`,
    )}
    <li class="lane lane-axis" aria-hidden="true">
      <span class="lane-name"></span>
      <svg class="lane-picture" width="100%" height="16">
        ${ticks.map(
          (tick, index) =>
            index % every === 0 &&
            html`<text
              x=${`${at(tick)}%`}
              y="12"
              text-anchor=${index === 0 ? 'start' : index === ticks.length - 1 ? 'end' : 'middle'}
            >
              ${short(tick)}
            </text>`,
        )}
      </svg>
      <span class="lane-numbers soft">p50 · p90 · p99</span>
    </li>
  </ul>`;
}

/** @param {number} ms of a tick */
function short(ms) {
  return ms < 1_000 ? `${ms} ms` : `${ms / 1_000} s`;
}

/** @param {{ from: number, to: number, end: number }} props in percent of the width */
function Strip({ from, to, end }) {
  return html`<line class="strip-tail" x1=${`${from}%`} x2=${`${end}%`} y1="7" y2="7" />
    <rect
      class="strip-body"
      x=${`${from}%`}
      width=${`${Math.max(to - from, 0.6)}%`}
      y="2"
      height="10"
      rx="2"
    />
    <line class="strip-end" x1=${`${end}%`} x2=${`${end}%`} y1="3" y2="11" />`;
}
