import { duration } from '../format.js';
import { html, useEffect, useRef, useState } from '../html.js';
import { Bar, BAR, LaneNotes } from './bars.js';
import { attemptLines, laneLines } from './describe.js';
import { endOf } from './race.js';
import { spanOf, ticksOf } from './scale.js';

/** @typedef {import('./race.js').Race} Race */
/** @typedef {import('./race.js').Lane} Lane */

const HEAD = 50;
/** Below this width the names stand above the bars. */
const NARROW = 620;
const TICK_ROOM = 96;

/**
 * The race: a lane a sub-task, a bar an attempt, and the line of the reply.
 *
 * @param {{ race: Race, now: number, upTo: number | undefined, selected: string | undefined, onSelect: (name: string) => void, onScale: (msPerPixel: number) => void }} props
 *   `upTo`: how long the time that is shown is; default: all of it
 */
export function Waterfall({ race, now, upTo, selected, onSelect, onScale }) {
  const box = useRef(/** @type {HTMLElement | null} */ (null));
  const [width, setWidth] = useState(800);
  const [active, setActive] = useState(/** @type {[number, number]} */ ([0, 0]));
  const [hint, setHint] = useState(/** @type {{ lane: number, attempt: number } | undefined} */ (undefined));
  useEffect(() => {
    const element = /** @type {HTMLElement} */ (box.current);
    const observer = new ResizeObserver(() => setWidth(Math.max(element.clientWidth, 240)));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  const isNarrow = width < NARROW;
  const longest = Math.max(...race.lanes.map((lane) => nameOf(lane).length));
  const left = isNarrow ? 12 : Math.min(Math.max(90, longest * 7.6 + 44), width / 4);
  const right = width - 12;
  const laneHeight = isNarrow ? 44 : 34;
  const barAt = isNarrow ? 23 : (laneHeight - BAR) / 2;
  const span = spanOf(upTo ?? endOf(race, now));
  // Behind the end there is room for a word.
  const scale = (right - left - (isNarrow ? 20 : 70)) / span;
  const x = (/** @type {number} */ ms) => left + ms * scale;
  const height = HEAD + race.lanes.length * laneHeight + 8;
  useEffect(() => onScale(1 / scale), [scale]);

  /** @param {KeyboardEvent} event */
  const pressed = (event) => {
    const [lane, attempt] = active;
    const steps = {
      ArrowDown: [lane + 1, Infinity],
      ArrowUp: [lane - 1, Infinity],
      ArrowLeft: [lane, attempt - 1],
      ArrowRight: [lane, attempt + 1],
      Home: [0, 0],
      End: [Infinity, Infinity],
    };
    const step = steps[/** @type {keyof typeof steps} */ (event.key)];
    if (event.key === 'Enter' || event.key === ' ') onSelect(race.lanes[lane]?.name ?? '');
    else if (!step) return;
    event.preventDefault();
    if (!step) return;
    const to = Math.max(0, Math.min(step[0] ?? 0, race.lanes.length - 1));
    const last = (race.lanes[to]?.attempts.length ?? 1) - 1;
    const next = Math.max(0, Math.min(step[1] ?? 0, last));
    const target = box.current?.querySelector(`[data-at="${to}-${next}"]`);
    if (target instanceof SVGElement) target.focus();
  };

  /** What is focusable and tells of itself. @param {number} lane @param {number} attempt @param {string[]} lines @param {unknown} content */
  const target = (lane, attempt, lines, content) =>
    html`<g
      key=${`${lane}-${attempt}`}
      class="race-target"
      role="button"
      tabindex=${active[0] === lane && active[1] === attempt ? 0 : -1}
      aria-label=${lines.join('. ')}
      aria-pressed=${selected === race.lanes[lane]?.name}
      data-at=${`${lane}-${attempt}`}
      onFocus=${() => {
        setActive([lane, attempt]);
        setHint({ lane, attempt });
      }}
      onBlur=${() => setHint(undefined)}
      onPointerEnter=${() => setHint({ lane, attempt })}
      onPointerLeave=${() => setHint(undefined)}
      >${content}</g
    >`;

  /** @param {Lane} lane @param {number} index */
  const laneOf = (lane, index) => {
    const top = HEAD + index * laneHeight;
    const place = { x, left, right, y: top + barAt, now, repliedAt: race.repliedAt, isNarrow };
    return html`<g
      key=${lane.name}
      class="race-lane ${selected === lane.name ? 'race-selected' : ''} ${lane.answered ? 'race-answered' : ''}"
      onClick=${() => onSelect(lane.name)}
    >
      <rect class="race-back" x="0" y=${top} width=${width} height=${laneHeight} />
      <text class="race-name" x="12" y=${isNarrow ? top + 15 : top + laneHeight / 2 + 5}
        >${cut(nameOf(lane), (isNarrow ? width - 24 : left - 24) / 7.4)}<title>${nameOf(lane)}</title></text
      >
      <g clip-path="url(#race-clip)">
        <${LaneNotes} lane=${lane} place=${place} />
        ${
          lane.attempts.length === 0
            ? target(
                index,
                0,
                laneLines(lane),
                html`<rect
                  class="race-none"
                  x=${left}
                  y=${top + barAt}
                  width=${Math.max(0, right - left)}
                  height=${BAR}
                />`,
              )
            : lane.attempts.map((attempt, at) =>
                target(
                  index,
                  at,
                  attemptLines(lane, attempt, now),
                  html`<${Bar} ...${{ lane, attempt, place }} />`,
                ),
              )
        }
      </g>
    </g>`;
  };

  return html`<div class="race" ref=${box} onKeyDown=${pressed}>
    <svg
      role="group"
      aria-label="The race: use the arrow keys to go from attempt to attempt, Enter to see a sub-task"
      width=${width}
      height=${height}
    >
      <defs>
        <clipPath id="race-clip">
          <rect x=${left - 5} y="0" width=${right - left + 10} height=${height} />
        </clipPath>
        <pattern
          id="race-hatch"
          width="6"
          height="6"
          patternUnits="userSpaceOnUse"
          patternTransform="rotate(45)"
        >
          <rect class="race-hatch-line" width="2" height="6" />
        </pattern>
      </defs>
      <${Axis} ...${{ span, x, left, right, height }} />
      ${race.lanes.map(laneOf)}
      <${ReplyLine} ...${{ race, x, left, right, height }} />
    </svg>
    ${hint && html`<${Hint} ...${{ race, now, x, width, hint, laneHeight, barAt }} />`}
  </div>`;
}

/** @param {Lane} lane */
function nameOf({ name, isShadow }) {
  return isShadow ? `${name} (shadow)` : name;
}

/** @param {{ span: number, x: (ms: number) => number, left: number, right: number, height: number }} props */
function Axis({ span, x, left, right, height }) {
  return html`<g class="race-axis" aria-hidden="true">
    ${ticksOf(span, (right - left) / TICK_ROOM).map(
      ({ at, text }) =>
        html`<g key=${at}>
          <path d="M${x(at)} ${HEAD - 6}V${height}" />
          <text x=${x(at)} y=${HEAD - 12} text-anchor=${at === 0 ? 'start' : 'middle'}>${text}</text>
        </g>`,
    )}
  </g>`;
}

/** @param {{ race: Race, x: (ms: number) => number, left: number, right: number, height: number }} props */
function ReplyLine({ race, x, left, right, height }) {
  if (race.repliedAt === undefined || x(race.repliedAt) > right) return null;
  const at = x(race.repliedAt);
  const isError = race.reply && 'error' in race.reply;
  const text = `${isError ? 'failed' : 'replied'} ${duration(race.repliedAt)}`;
  const width = text.length * 7 + 16;
  const from = Math.max(left - 4, Math.min(at - width / 2, right - width));
  return html`<g class="race-reply ${isError ? 'race-reply-error' : ''}" role="img" aria-label=${text}>
    <path d="M${at} 20V${height}" />
    <rect x=${from} y="2" width=${width} height="20" rx="10" />
    <text x=${from + width / 2} y="16" text-anchor="middle">${text}</text>
  </g>`;
}

/** @param {any} props */
function Hint({ race, now, x, width, hint, laneHeight, barAt }) {
  const lane = race.lanes[hint.lane];
  const attempt = lane?.attempts[hint.attempt];
  if (!lane) return null;
  const lines = attempt ? attemptLines(lane, attempt, now) : laneLines(lane);
  const at = attempt ? x((attempt.from + (attempt.to ?? now)) / 2) : x(0) + 80;
  const top = HEAD + hint.lane * laneHeight + barAt + BAR + 8;
  const room = Math.min(320, width - 16);
  const style = {
    top: `${top}px`,
    left: `${Math.max(8, Math.min(at - 40, width - room - 8))}px`,
    maxWidth: `${room}px`,
  };
  return html`<div class="race-hint" style=${style} aria-hidden="true">
    ${lines.map((line, index) => html`<div key=${index}>${line}</div>`)}
  </div>`;
}

/** @param {string} text @param {number} most */
function cut(text, most) {
  return text.length > most ? `${text.slice(0, Math.max(1, Math.floor(most) - 1))}…` : text;
}
