import { duration } from '../format.js';
import { html } from '../html.js';
import { counted, heldBackText, moment, progressText } from './describe.js';

/** @typedef {import('./race.js').Attempt} Attempt */
/** @typedef {import('./race.js').Lane} Lane */
/**
 * Where things are in the picture.
 *
 * @typedef {object} Place
 * @property {(ms: number) => number} x
 * @property {number} left
 * @property {number} right
 * @property {number} y of the bar
 * @property {number} now
 * @property {number | undefined} repliedAt
 * @property {boolean} isNarrow
 */

export const BAR = 16;
/** The width of a character of the picture's small text, more or less. */
const CHARACTER = 6.6;
const LEAST = 3;

/** An attempt: what it did before the reply, and, in another shade, after it. @param {{ lane: Lane, attempt: Attempt, place: Place }} props */
export function Bar({ lane, attempt, place }) {
  const { x, y, now, repliedAt } = place;
  const from = x(attempt.from);
  const width = Math.max(LEAST, x(attempt.to ?? now) - from);
  const before = repliedAt === undefined ? width : Math.max(0, Math.min(width, x(repliedAt) - from));
  const look = `race-bar race-${attempt.end.replace(' ', '-')}${lane.answered && attempt.end === 'succeeded' ? ' race-winner' : ''}`;
  // Where the line of the reply comes from the winner's own end, no sliver is left behind it.
  const isSplit = before < width - 1 && !lane.answered;
  return html`
    ${isSplit && html`<rect class="${look} race-after" x=${from} y=${y} width=${width} height=${BAR} rx="3" />`}
    ${
      (!isSplit || before > 1) &&
      html`<rect class=${look} x=${from} y=${y} width=${isSplit ? before : width} height=${BAR} rx="3" />`
    }
    ${
      attempt.end === 'cancelled' &&
      html`<rect
        class="race-hatch"
        x=${from}
        y=${y}
        width=${width}
        height=${BAR}
        rx="3"
        fill="url(#race-hatch)"
      />`
    }
    ${
      attempt.end === 'running' &&
      html`<circle class="race-head" cx=${from + width} cy=${y + BAR / 2} r="4" />`
    }
    ${attempt.firstChunkAt !== undefined && html`<${FirstChunk} at=${attempt.firstChunkAt} place=${place} />`}
    ${attempt.end === 'failed' && html`<${Cross} x=${from + width} y=${y + BAR / 2} />`}
    ${attempt.dueAt !== undefined && html`<${Gap} lane=${lane} attempt=${attempt} place=${place} />`}
  `;
}

/** @param {{ at: number, place: Place }} props */
function FirstChunk({ at, place: { x, y } }) {
  return html`<path class="race-chunk" d="M${x(at)} ${y - 3}v${BAR + 6}"
    ><title>first chunk at ${moment(at)}</title></path
  >`;
}

/** @param {{ x: number, y: number }} props */
function Cross({ x, y }) {
  return html`<path class="race-cross" d="M${x - 3.5} ${y - 3.5}l7 7m0-7l-7 7" />`;
}

/** The wait for a retry: as long as it was, or until it is due. @param {{ lane: Lane, attempt: Attempt, place: Place }} props */
function Gap({ lane, attempt, place: { x, y } }) {
  const next = lane.attempts[lane.attempts.indexOf(attempt) + 1];
  const to = next?.from ?? (lane.status === 'retrying' ? attempt.dueAt : undefined);
  if (to === undefined) return null;
  const from = x(attempt.to ?? 0) + 6;
  return html`<path class="race-gap" d="M${from} ${y + BAR / 2}H${Math.max(from, x(to) - 1)}" />`;
}

/** What stands in a lane before, between and behind its bars. @param {{ lane: Lane, place: Place }} props */
export function LaneNotes({ lane, place }) {
  const { x, y, left, right, now } = place;
  const middle = y + BAR / 2;
  const first = lane.attempts[0];
  const why = first?.why;
  const began = first && why !== undefined ? x(first.from) : undefined;
  const room = why === undefined ? 0 : why.length * CHARACTER + 12;
  const isNoted = began !== undefined && began - left > room;
  const waits = lane.status === 'pending' ? x(now) : (began ?? left) - (isNoted ? room : 0);
  return html`
    ${waits > left + 2 && html`<path class="race-wait" d="M${left} ${middle}H${waits}" />`}
    ${
      isNoted &&
      html`<text class="race-note" x=${(began ?? 0) - 6} y=${middle + 4} text-anchor="end">${why}</text>`
    }
    ${
      lane.heldBackAt !== undefined &&
      html`<path class="race-held" d="M${x(lane.heldBackAt)} ${middle - 5}l5 5-5 5-5-5z"
        ><title>${heldBackText(lane)}</title></path
      >`
    }
    ${
      first
        ? html`<${EndNote} lane=${lane} place=${place} />`
        : html`<${Beside}
            x=${lane.skippedAt === undefined ? left : x(lane.skippedAt)}
            y=${middle + 4}
            ...${{ left, right }}
            text=${unbegun(lane)}
          />`
    }
  `;
}

/** @param {Lane} lane */
function unbegun({ status, reason, heldBackAt }) {
  if (status === 'skipped' || status === 'cancelled') return `${status}${reason ? `: ${reason}` : ''}`;
  return heldBackAt === undefined ? '' : 'held back';
}

/** @param {{ lane: Lane, place: Place }} props */
function EndNote({ lane, place: { x, y, left, right, now, isNarrow } }) {
  const attempt = /** @type {Attempt} */ (lane.attempts.at(-1));
  const to = attempt.to ?? now;
  const length = duration(to - attempt.from);
  const said =
    lane.progress !== undefined && attempt.end === 'running' ? ` · ${progressText(lane.progress)}` : '';
  const streamed = attempt.stream ? ` · ${counted(attempt.stream.chunks, 'chunk')}` : '';
  const told =
    attempt.end === 'failed'
      ? `${length} · ${lane.status === 'retrying' ? 'retry' : (attempt.error?.code ?? 'failed')}`
      : attempt.end === 'succeeded'
        ? `${length}${lane.answered ? ' · answered' : ''}`
        : `${length}${attempt.end === 'running' ? said : ` · ${attempt.end}`}`;
  const text = told + streamed;
  // Beside the name, which then stands above the bars.
  if (isNarrow) return html`<text class="race-note" x=${right} y=${y - 8} text-anchor="end">${text}</text>`;
  const end = Math.max(x(to), x(attempt.from) + LEAST);
  return html`<${Beside}
    x=${end}
    from=${x(attempt.from)}
    y=${y + BAR / 2 + 4}
    ...${{ left, right, text }}
  />`;
}

/**
 * A text behind a place, or inside of the bar, or before it, where there is room.
 *
 * @param {{ x: number, from?: number, y: number, left: number, right: number, text: string, look?: string }} props
 */
function Beside({ x, from = x, y, left, right, text, look = '' }) {
  const needed = text.length * CHARACTER + 10;
  const [at, anchor, where] =
    x + needed <= right
      ? [x + 9, 'start', '']
      : x - from >= needed
        ? [x - 8, 'end', `race-inside ${look}`]
        : from - needed >= left
          ? [from - 9, 'end', '']
          : [x + 9, 'start', ''];
  const room = anchor === 'start' ? Math.floor((right - at) / CHARACTER) : Infinity;
  if (room < 5) return null;
  const shown = text.length > room + 1 ? `${text.slice(0, room - 1)}…` : text;
  return html`<text class="race-note ${where}" x=${at} y=${y} text-anchor=${anchor}>${shown}</text>`;
}
