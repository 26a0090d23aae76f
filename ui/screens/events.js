import { MOST_EVENTS, useTail } from '../events/tail.js';
import { EventFilters } from '../events/filters.js';
import { gist } from '../events/gist.js';
import { html, useEffect, useMemo, useRef, useState } from '../html.js';
import { useMedia } from '../use-media.js';
import { JsonView } from '../parts/json-view.js';
import { ProblemNote } from '../parts/problem.js';
import { VirtualList } from '../parts/virtual-list.js';
import { linkTo } from '../router.js';

/** @typedef {import('../../src/core/events.ts').RunEvent} RunEvent */

const COLUMNS = [
  { title: 'Time', class: 'events-time' },
  { title: 'Event', class: 'events-type' },
  { title: 'Task', class: 'events-task' },
  { title: 'Sub-task', class: 'events-sub-task' },
  { title: 'What', class: 'events-gist' },
  { title: 'Run', class: 'events-run' },
];

/** @param {{ query: URLSearchParams }} props */
export function EventsScreen({ query }) {
  const filters = useMemo(() => known(query), [query.toString()]);
  const isNarrow = useMedia('(max-width: 720px)');
  const [wantsPause, setPause] = useState(false);
  const [isAtTop, setAtTop] = useState(true);
  /** Another list begins at its top. */
  const [list, setList] = useState(0);
  const [shown, setShown] = useState(/** @type {RunEvent | undefined} */ (undefined));
  const paused = wantsPause || !isAtTop;
  const { events, waiting, state, problem } = useTail(filters, paused);
  const goOn = () => {
    setPause(false);
    setAtTop(true);
    setList(list + 1);
  };
  return html`<div class="screen-head">
      <h1>Events</h1>
      <span class=${`events-state events-${paused ? 'paused' : state}`} role="status"
        >${paused ? 'paused' : { connecting: 'connecting…', live: 'live', waiting: 'reconnecting…', refused: '' }[state]}</span
      >
      <button type="button" onClick=${() => (paused ? goOn() : setPause(true))}>
        ${paused ? 'Go on' : 'Pause'}
      </button>
      ${
        paused &&
        waiting > 0 &&
        html`<button type="button" class="primary" onClick=${goOn}>${waiting.toLocaleString()} more</button>`
      }
    </div>
    <${EventFilters} filters=${filters} />
    ${problem && html`<${ProblemNote} error=${problem} />`}
    <div class=${shown ? 'events events-with-one' : 'events'}>
      <${VirtualList}
        key=${`${list} ${filters}`}
        class="events-list"
        label="Events, the newest first"
        columns=${COLUMNS}
        items=${events}
        rowHeight=${isNarrow ? 52 : 30}
        keyOf=${(/** @type {RunEvent} */ { id }) => String(id)}
        cells=${cells}
        onOpen=${setShown}
        onTop=${setAtTop}
      />
      ${shown && html`<${OneEvent} event=${shown} onClose=${() => setShown(undefined)} />`}
    </div>
    ${
      events.length === 0 && !problem
        ? html`<p class="soft">No event fits yet. Those of runs from now on come here by themselves.</p>`
        : html`<p class="soft">The last ${MOST_EVENTS.toLocaleString()} events are kept. Enter opens one.</p>`
    }`;
}

/** The filters that the API has. @param {URLSearchParams} query */
function known(query) {
  const names = ['task', 'type', 'label'];
  return new URLSearchParams([...query].filter(([name, value]) => names.includes(name) && value !== ''));
}

const clock = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium', hour12: false });

/** @param {RunEvent} event */
function cells(event) {
  const { type, time, task, runId } = event;
  const at = new Date(time);
  const isOfSubTask = 'subTask' in event;
  const attempt = isOfSubTask && event.attempt > 1 ? ` · ${event.attempt}` : '';
  return [
    `${clock.format(at)}.${String(at.getMilliseconds()).padStart(3, '0')}`,
    html`<span class=${`event-dot event-${type.split('.')[1]}`} aria-hidden="true"></span>${type}`,
    html`<a href=${linkTo(['tasks', task])} tabindex="-1">${task}</a>`,
    isOfSubTask ? event.subTask + attempt : '',
    gist(event),
    html`<a href=${linkTo(['runs', runId])} tabindex="-1" title=${runId}>…${runId.slice(-6)}</a>`,
  ];
}

/** @param {{ event: RunEvent, onClose: () => void }} props */
function OneEvent({ event, onClose }) {
  const box = useRef(/** @type {HTMLElement | null} */ (null));
  // On a phone it is below the list.
  useEffect(() => box.current?.scrollIntoView({ block: 'nearest' }), [event]);
  return html`<section class="card events-one" ref=${box} aria-label=${`Event ${event.id}`}>
    <div class="screen-head">
      <h2>${event.type}</h2>
      <button type="button" onClick=${onClose}>Close</button>
    </div>
    <p class="events-links">
      <a href=${linkTo(['runs', event.runId])}>The run</a>
      <a href=${linkTo(['tasks', event.task])}>Task ${event.task}</a>
    </p>
    <${JsonView} value=${event} key=${event.id} />
  </section>`;
}
