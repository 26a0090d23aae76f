import { styleText } from 'node:util';
import { span } from './text.js';
import type { Lane, WatchedRun } from './watched-run.js';

/** The terminal on which runs are drawn. */
export interface Canvas {
  /** Milliseconds of the service's clock. */
  readonly now: number;
  readonly columns: number;
  readonly rows: number;
  readonly colours: boolean;
}

type Style = Parameters<typeof styleText>[0];
type Part = readonly [text: string, style?: Style | undefined];

const STYLES: Readonly<Partial<Record<string, Style>>> = {
  running: 'cyan',
  retrying: 'yellow',
  succeeded: 'green',
  'partly-failed': 'yellow',
  failed: 'red',
  'set-aside': 'yellow',
};

const MARKS: Readonly<Record<Lane['status'], string>> = {
  pending: '·',
  running: '●',
  retrying: '↻',
  succeeded: '✔',
  failed: '✘',
  cancelled: '■',
  skipped: '–',
};

const LEAST_BAR = 10;
const MOST_BAR = 40;
/** Columns of a lane besides its name and bar: mark, status, time, and spaces between them. */
const OTHER_COLUMNS = 30;

/**
 * Draws runs with a lane for each sub-task, the newest at the end, as many as the rows have room for.
 *
 * @param others the number of further runs
 */
export function drawRuns(runs: readonly WatchedRun[], canvas: Canvas, others = 0): string[] {
  const more = (count: number) => line([[`… and ${count} more`, 'dim']], canvas);
  const room = Math.max(canvas.rows - 1, 1);
  const lines: string[] = [];
  for (const [index, run] of [...runs].reverse().entries()) {
    const block = drawRun(run, canvas);
    const isLast = others === 0 && index === runs.length - 1;
    if (lines.length + block.length + (isLast ? 0 : 1) <= room) lines.unshift(...block);
    else if (index === 0) return [...block.slice(0, room - 1), line([['  …', 'dim']], canvas)];
    else return [more(runs.length - index + others), ...lines];
  }
  return others > 0 ? [more(others), ...lines] : lines;
}

function drawRun(run: WatchedRun, canvas: Canvas): string[] {
  const { lanes } = run;
  const width = Math.max(...lanes.map(({ name }) => name.length));
  const room = canvas.columns - width - OTHER_COLUMNS;
  const bar = room < LEAST_BAR ? 0 : Math.min(room, MOST_BAR);
  return [drawHead(run, canvas), ...lanes.map((lane) => drawLane(lane, run, { width, bar }, canvas))];
}

/** The state of a run on one line. */
export function drawHead(run: WatchedRun, canvas: Canvas): string {
  const { task, id, status, startedAt, finishedAt, reply } = run;
  return line(
    [
      [task, 'bold'],
      [` ${id} `, 'dim'],
      [status, STYLES[status]],
      [` ${span((finishedAt ?? canvas.now) - startedAt)}`],
      [reply && ` · ${reply}`],
    ],
    canvas,
  );
}

function drawLane(
  lane: Lane,
  run: WatchedRun,
  { width, bar }: Readonly<Record<'width' | 'bar', number>>,
  canvas: Canvas,
): string {
  const { name, status, attempts, answered, note } = lane;
  const style = STYLES[status] ?? 'dim';
  const now = run.finishedAt ?? canvas.now;
  const [first] = attempts;
  const took = first ? span((attempts.at(-1)?.to ?? now) - first.from) : '';
  return line(
    [
      [`  ${MARKS[status]} `, style],
      [name.padEnd(width + 2)],
      [status.padEnd(11), style],
      ...(bar > 0 ? [...barOf(lane, run, { bar, now }), [' '] as const] : []),
      [took.padStart(8)],
      [answered ? '  ◀ answered' : '', 'green'],
      [note && `  ${note}`, 'dim'],
    ],
    canvas,
  );
}

/** A bar that shows a sub-task's attempts within the time of its run. */
function barOf(
  { attempts, status }: Lane,
  { startedAt }: WatchedRun,
  { bar, now }: Readonly<Record<'bar' | 'now', number>>,
): Part[] {
  const scale = bar / Math.max(now - startedAt, 1);
  const cell = (time: number) => Math.min(Math.max(Math.round((time - startedAt) * scale), 0), bar);
  const parts: Part[] = [];
  let at = 0;
  for (const { from, to, failed } of attempts) {
    const start = Math.max(Math.min(cell(from), bar - 1), at);
    const end = Math.max(cell(to ?? now), start + (start < bar ? 1 : 0));
    parts.push(
      [' '.repeat(start - at)],
      ['━'.repeat(end - start), failed ? 'red' : (STYLES[status] ?? 'dim')],
    );
    at = end;
  }
  return [...parts, [' '.repeat(bar - at)]];
}

/** Joins the parts of a line, and cuts it at the width of the terminal. */
function line(parts: readonly Part[], { columns, colours }: Canvas): string {
  let room = columns;
  const shown = parts.map(([text, style]) => {
    const letters = Array.from(text).slice(0, room);
    room -= letters.length;
    const fitting = letters.join('');
    return colours && style && fitting !== ''
      ? styleText(style, fitting, { validateStream: false })
      : fitting;
  });
  return shown.join('').trimEnd();
}
