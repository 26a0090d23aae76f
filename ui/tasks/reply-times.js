import { duration, time } from '../format.js';
import { html, useEffect, useRef, useState } from '../html.js';
import { useMedia } from '../use-media.js';
import { colourOf, loadPlot } from './plot.js';

const HEIGHT = 200;
const LINES = /** @type {const} */ ([
  ['p50', '--accent'],
  ['p90', '--good'],
  ['p99', '--warn'],
]);

/** Reply times over the last hour. @param {{ series: { step: string, points: any[] } }} props */
export function ReplyTimes({ series }) {
  const box = useRef(/** @type {HTMLElement | null} */ (null));
  const [isDrawable, setDrawable] = useState(true);
  const isDark = useMedia('(prefers-color-scheme: dark)');
  const plot = useRef(/** @type {import('uplot') | undefined} */ (undefined));
  const data = useRef(dataOf(series.points));
  data.current = dataOf(series.points);
  useEffect(() => {
    let gone = false;
    const element = /** @type {HTMLElement} */ (box.current);
    const resized = new ResizeObserver(() =>
      plot.current?.setSize({ width: element.clientWidth, height: HEIGHT }),
    );
    loadPlot().then(
      (Plot) => {
        if (gone) return;
        plot.current = new Plot(optionsFor(element), data.current, element);
        resized.observe(element);
      },
      // The table has the same.
      () => setDrawable(false),
    );
    return () => {
      gone = true;
      resized.disconnect();
      plot.current?.destroy();
      plot.current = undefined;
    };
  }, [isDark]);
  useEffect(() => plot.current?.setData(data.current), [series]);
  const answered = series.points.filter(({ runs }) => runs > 0);
  return html`<section class="card" aria-labelledby="task-times">
    <h2 id="task-times">Reply time over the last hour</h2>
    <div class="task-plot" ref=${box} hidden=${!isDrawable} aria-hidden="true"></div>
    <details open=${!isDrawable}>
      <summary>As a table</summary>
      <div class="scroll" tabindex="0" role="group" aria-label="Reply times by the minute">
        <table>
          <thead>
            <tr>
              <th scope="col">from</th>
              <th scope="col" class="number">runs</th>
              <th scope="col" class="number">errors</th>
              ${LINES.map(([name]) => html`<th scope="col" class="number">${name}</th>`)}
            </tr>
          </thead>
          <tbody>
            ${answered.reverse().map(
              ({ from, runs, errors, replyMs }) =>
                html`<tr>
                  <th scope="row">${time(from)}</th>
                  <td class="number">${runs.toLocaleString()}</td>
                  <td class="number">${errors.toLocaleString()}</td>
                  ${LINES.map(([name]) => html`<td class="number">${duration(replyMs[name])}</td>`)}
                </tr>`,
            )}
          </tbody>
        </table>
      </div>
    </details>
  </section>`;
}

/** @param {any[]} points @returns {import('uplot').AlignedData} */
function dataOf(points) {
  return [
    points.map(({ from }) => Date.parse(from) / 1_000),
    ...LINES.map(([name]) => points.map(({ replyMs }) => replyMs[name])),
  ];
}

/** @param {HTMLElement} element @returns {import('uplot').Options} */
function optionsFor(element) {
  const colour = (/** @type {string} */ name) => colourOf(element, name);
  const axis = {
    stroke: colour('--soft'),
    font: '12px system-ui',
    grid: { stroke: colour('--line'), width: 1 },
    ticks: { show: false },
  };
  return {
    width: element.clientWidth,
    height: HEIGHT,
    cursor: { drag: { x: false, y: false } },
    axes: [axis, { ...axis, size: 64, values: (_plot, values) => values.map((value) => duration(value)) }],
    scales: { y: { range: (_plot, _least, most) => [0, Math.max(most, 1) * 1.1] } },
    series: [
      { label: 'from', value: (_plot, at) => (at === null ? '–' : time(at * 1_000)) },
      ...LINES.map(([label, name]) => ({
        label,
        stroke: colour(name),
        width: 2,
        points: { size: 5 },
        value: (/** @type {unknown} */ _plot, /** @type {number | null} */ value) => duration(value),
      })),
    ],
  };
}
