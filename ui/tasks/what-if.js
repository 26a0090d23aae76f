import { useAnswer } from '../answer.js';
import { duration } from '../format.js';
import { html, useEffect, useRef, useState } from '../html.js';
import { ProblemNote } from '../parts/problem.js';
import { useMedia } from '../use-media.js';
import { percent } from './pictures.js';
import { colourOf, loadPlot } from './plot.js';

/** How often the service is asked, in milliseconds: it reads thousands of runs for it. */
const EVERY_MS = 60_000;
const HEIGHT = 220;
const LINES = /** @type {const} */ ([
  ['p50', '--accent'],
  ['p99', '--warn'],
]);

/** What other start rules would have come to: extra starts against reply times. Nothing of a task with one sub-task. @param {{ name: string, task: any }} props */
export function WhatIf({ name, task }) {
  const isRace = task.subTasks.length > 1;
  const path = isRace ? `/tasks/${encodeURIComponent(name)}/stats/what-if` : undefined;
  const { value, error, again } = useAnswer(path, EVERY_MS);
  if (!isRace) return null;
  return html`<section class="card" aria-labelledby="task-what-if">
    <h2 id="task-what-if">What other rules would have come to</h2>
    ${error && !value && html`<${ProblemNote} error=${error} onRetry=${again} />`}
    ${value && value.runs === 0 && html`<p class="soft">No finished run can be replayed yet.</p>`}
    ${value && value.runs > 0 && html`<${Curve} answer=${value} />`}
  </section>`;
}

/** @param {{ answer: any }} props */
function Curve({ answer }) {
  const { runs, actual, curve } = answer;
  const rows = [...curve, { start: AS_IT_WAS, ...actual, known: runs }];
  return html`<p>
      ${`The last ${runs.toLocaleString()} runs, replayed: every sub-task behind the first starts by one rule, without a hedge budget.`}${' '}
      Where a loser was cut off, or never began, its time is drawn from those that are known.
    </p>
    <${Plot} rows=${rows} />
    <details>
      <summary>The rules as a table</summary>
      <div class="scroll" tabindex="0" role="group" aria-label="Reply times and extra starts by rule">
        <table>
          <thead>
            <tr>
              <th scope="col">rule</th>
              ${COLUMNS.map(([title]) => html`<th scope="col" class="number">${title}</th>`)}
            </tr>
          </thead>
          <tbody>
            ${rows.map(
              (row) =>
                html`<tr>
                  <th scope="row">${row.start}</th>
                  ${COLUMNS.map(([, cell]) => html`<td class="number">${cell(row, runs)}</td>`)}
                </tr>`,
            )}
          </tbody>
        </table>
      </div>
    </details>`;
}

const COLUMNS = /** @type {[string, (row: any, runs: number) => string][]} */ ([
  ['after', ({ afterMs }) => duration(afterMs)],
  ['extra starts', ({ extraStartShare }) => percent(extraStartShare)],
  ...['p50', 'p90', 'p99', 'p99.9'].map((name) => [
    name,
    (/** @type {any} */ { replyMs }) => duration(replyMs[name]),
  ]),
  ['errors', ({ errors }) => errors.toLocaleString()],
  ['on record', ({ known }, runs) => percent(known / runs)],
]);

/** The points from the fewest extra starts to the most. The table has the same. @param {{ rows: any[] }} props */
function Plot({ rows }) {
  const box = useRef(/** @type {HTMLElement | null} */ (null));
  const [isDrawable, setDrawable] = useState(true);
  const isDark = useMedia('(prefers-color-scheme: dark)');
  useEffect(() => {
    let gone = false;
    /** @type {import('uplot') | undefined} */
    let plot;
    const element = /** @type {HTMLElement} */ (box.current);
    const resized = new ResizeObserver(() => plot?.setSize({ width: element.clientWidth, height: HEIGHT }));
    loadPlot().then(
      (Library) => {
        if (gone) return;
        const points = rows.toSorted((one, other) => one.extraStartShare - other.extraStartShare);
        plot = new Library(optionsFor(element, points), dataOf(points), element);
        resized.observe(element);
      },
      () => setDrawable(false),
    );
    return () => {
      gone = true;
      resized.disconnect();
      plot?.destroy();
    };
  }, [isDark, rows]);
  return html`<div class="task-plot" ref=${box} hidden=${!isDrawable} aria-hidden="true"></div>`;
}

const AS_IT_WAS = 'as it was';

/** @param {any[]} points @returns {import('uplot').AlignedData} */
function dataOf(points) {
  const isActual = (/** @type {any} */ { start }) => start === AS_IT_WAS;
  return [
    points.map(({ extraStartShare }) => extraStartShare),
    ...LINES.map(([name]) => points.map((point) => (isActual(point) ? undefined : point.replyMs[name]))),
    points.map(() => points.find(isActual).replyMs.p99),
  ];
}

/** @param {HTMLElement} element @param {any[]} points @returns {import('uplot').Options} */
function optionsFor(element, points) {
  const colour = (/** @type {string} */ name) => colourOf(element, name);
  const axis = {
    stroke: colour('--soft'),
    font: '12px system-ui',
    grid: { stroke: colour('--line'), width: 1 },
    ticks: { show: false },
  };
  const value = (/** @type {unknown} */ _plot, /** @type {number | null} */ ms) => duration(ms);
  return {
    width: element.clientWidth,
    height: HEIGHT,
    cursor: { drag: { x: false, y: false } },
    axes: [
      {
        ...axis,
        label: 'extra starts, of the runs',
        labelFont: '12px system-ui',
        size: 32,
        labelSize: 18,
        values: (_plot, values) => values.map((share) => percent(share)),
      },
      { ...axis, size: 64, values: (_plot, values) => values.map((ms) => duration(ms)) },
    ],
    scales: { x: { time: false }, y: { range: (_plot, _least, most) => [0, Math.max(most, 1) * 1.1] } },
    series: [
      {
        label: 'rule',
        value: (_plot, _share, _series, index) => (index === null ? '–' : points[index].start),
      },
      ...LINES.map(([label, name]) => ({
        label,
        stroke: colour(name),
        width: 2,
        points: { show: true, size: 6 },
        value,
      })),
      {
        label: `p99 ${AS_IT_WAS}`,
        stroke: colour('--good'),
        width: 2,
        dash: [6, 4],
        points: { show: false },
        value,
      },
    ],
  };
}
