import { Injectable } from '@nestjs/common';
import Queue from 'yocto-queue';
import { EventBus } from '../events/event-bus.js';
import type { NewEvent, RunEvent } from '../events/catalog.js';
import { advance, openRun } from '../tasks/run-state.js';
import { memoryBytes } from '../tasks/json.js';
import type { Run } from '../tasks/run.js';

/** How many finished runs are kept, the newest ones, and how much memory their inputs and results may take together. */
export const RETAINED_RUNS = 10_000;
const RETAINED_BYTES = 256 * 2 ** 20;

/**
 * The journal in memory: nothing outlives the process. Like every journal it commits in groups and in order,
 * and publishes an event after its commit, never while `append` runs.
 */
@Injectable()
export class MemoryJournal {
  private sequence = 0;
  private readonly runs = new Map<string, Run>();
  /** Finished runs, the one that finished first in front. */
  private readonly finished = new Queue<Run>();
  private finishedBytes = 0;
  private group: RunEvent[] = [];
  private commit: Promise<void> | undefined;

  constructor(private readonly bus: EventBus) {}

  /** Records an event behind all that were appended before it. Resolves when it is committed. */
  append(event: NewEvent): Promise<void> {
    this.group.push({ ...event, id: ++this.sequence, time: now() });
    this.commit ??= Promise.resolve().then(() => {
      this.commitGroup();
    });
    return this.commit;
  }

  /** The run as its committed events left it; undefined when there is none, or none any more. */
  run(id: string): Promise<Readonly<Run> | undefined> {
    return Promise.resolve(this.runs.get(id));
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

let lastMs = 0;
let lastText = '';

/** The time as an RFC 3339 text in UTC; written out once a millisecond. */
function now(): string {
  const ms = Date.now();
  if (ms !== lastMs) {
    lastMs = ms;
    lastText = new Date(ms).toISOString();
  }
  return lastText;
}
