import Queue from 'yocto-queue';
import type { EventBus } from '../events/event-bus.js';
import type { NewEvent, RunEvent } from '../events/catalog.js';
import { advance, openRun } from '../tasks/run-state.js';
import { memoryBytes } from '../tasks/json.js';
import type { Run } from '../tasks/run.js';
import { timeText } from './event-clock.js';
import { Journal } from './journal.js';

/** How many finished runs are kept, the newest ones, and how much memory their inputs and results may take together. */
export const RETAINED_RUNS = 10_000;
const RETAINED_BYTES = 256 * 2 ** 20;

/** The journal in memory: nothing outlives the process. It commits in the microtask after an `append`. */
export class MemoryJournal extends Journal {
  override readonly durable = false;
  override readonly obstacle = undefined;
  private sequence = 0;
  private readonly runs = new Map<string, Run>();
  /** The ids of runs that take events. */
  private readonly open = new Set<string>();
  /** Finished runs, the one that finished first in front. */
  private readonly finished = new Queue<Run>();
  private finishedBytes = 0;
  private group: RunEvent[] = [];
  private commit: Promise<void> | undefined;

  constructor(private readonly bus: EventBus) {
    super();
  }

  override append(event: NewEvent): Promise<void> {
    if (event.type === 'run.started') this.open.add(event.runId);
    else if (!this.open.has(event.runId)) throw new Error(`The run ${event.runId} is not open`);
    if (event.type === 'run.finished') this.open.delete(event.runId);
    this.group.push({ ...event, id: ++this.sequence, time: timeText(Date.now()) });
    this.commit ??= Promise.resolve().then(() => {
      this.commitGroup();
    });
    return this.commit;
  }

  override async run(id: string): Promise<Readonly<Run> | undefined> {
    await this.commit;
    return this.runs.get(id);
  }

  override async *unfinished(): AsyncIterable<never> {
    // Nothing is there when it is opened.
  }

  override async drain(): Promise<void> {
    while (this.commit) await this.commit;
  }

  override close(): Promise<void> {
    return Promise.resolve();
  }

  private commitGroup(): void {
    const events = this.group;
    this.group = [];
    this.commit = undefined;
    for (const event of events) this.apply(event);
    this.bus.publish(events);
  }

  private apply(event: RunEvent): void {
    if (event.type === 'run.started') {
      this.runs.set(event.runId, openRun(event));
      return;
    }
    const run = this.runs.get(event.runId);
    if (!run) return;
    advance(run, event);
    if (event.type === 'run.finished') this.retain(run);
  }

  private retain(run: Run): void {
    this.finished.enqueue(run);
    this.finishedBytes += payloadBytes(run);
    while (this.finished.size > RETAINED_RUNS || this.finishedBytes > RETAINED_BYTES) {
      const oldest = this.finished.dequeue();
      if (!oldest) return;
      this.runs.delete(oldest.id);
      this.finishedBytes -= payloadBytes(oldest);
    }
  }
}

function payloadBytes({ input, subTasks }: Run): number {
  return subTasks.reduce((sum, { result }) => sum + memoryBytes(result ?? null), memoryBytes(input));
}
