import type { Screen } from '../command-line/command.js';
import type { RunEvent } from '../core/events.js';
import { drawHead, drawRuns, type Canvas } from './draw.js';
import { LiveLines } from './live-lines.js';
import { WatchedRun } from './watched-run.js';

const FRAME_MS = 100;
/** Clocks that differ by less than this are treated as equal: the service's time is in whole seconds. */
const SAME_CLOCK_MS = 2_000;
/** Most unfinished runs that are kept. Further ones are only counted, because there is no room to show them. */
const MOST_RUNS = 500;

/**
 * Shows watched runs on a terminal. When all runs are watched, finished ones move up and stay as one line. A single run stays as it is.
 */
export class WatchTable {
  private readonly lines: LiveLines;
  private readonly runs = new Map<string, WatchedRun>();
  /** The ids of runs that are only counted. */
  private readonly others = new Set<string>();
  private over: WatchedRun[] = [];
  private readonly timer: NodeJS.Timeout;
  private aheadMs = 0;
  private state = 'Connecting…';

  constructor(
    private readonly screen: Screen,
    private readonly ofAll: boolean,
  ) {
    this.lines = new LiveLines(screen);
    this.timer = setInterval(() => this.draw(), FRAME_MS);
  }

  opened({ headers }: Response): void {
    this.state = this.ofAll ? 'Waiting for runs; Ctrl+C ends this' : '';
    const aheadMs = Date.parse(headers.get('Date') ?? '') - Date.now();
    this.aheadMs = Math.abs(aheadMs) > SAME_CLOCK_MS ? aheadMs : 0;
  }

  lost(): void {
    this.state = 'The connection is lost; trying again';
  }

  add(event: RunEvent): void {
    const { runId, type } = event;
    if (type === 'run.erased') {
      this.others.delete(runId);
      return;
    }
    if (type === 'run.finished') this.others.delete(runId);
    else if (this.isOther(runId)) {
      this.others.add(runId);
      return;
    }
    const run = this.runs.get(runId) ?? new WatchedRun(event);
    this.runs.set(runId, run);
    run.apply(event);
    if (!this.ofAll || run.finishedAt === undefined) return;
    this.runs.delete(runId);
    this.over.push(run);
  }

  private isOther(runId: string): boolean {
    return this.others.has(runId) || (this.runs.size >= MOST_RUNS && !this.runs.has(runId));
  }

  /** Draws the final state. */
  end(): void {
    clearInterval(this.timer);
    this.state = '';
    this.draw();
  }

  private draw(): void {
    // Some terminals report 0.
    const columns = sizeOr(80, this.screen.columns);
    const rows = sizeOr(24, this.screen.rows);
    const canvas: Canvas = {
      now: Date.now() + this.aheadMs,
      columns,
      rows: this.state === '' ? rows : rows - 1,
      colours: this.screen.hasColors?.() ?? false,
    };
    const drawn = drawRuns([...this.runs.values()], canvas, this.others.size);
    const above = this.over.map((run) => drawHead(run, canvas));
    this.over = [];
    this.lines.draw(this.state === '' ? drawn : [...drawn, this.state.slice(0, columns)], above);
  }
}

function sizeOr(otherwise: number, size = 0): number {
  return size > 0 ? size : otherwise;
}
