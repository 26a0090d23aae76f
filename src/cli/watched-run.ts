import type { RunEvent } from '../core/events.js';
import type { SubTaskStatus } from '../core/run.js';
import { json, said, short, streamedText } from './said.js';

/** The time of an attempt, in milliseconds of the service's clock. `to` is undefined while the attempt is under way. */
interface Attempt {
  readonly from: number;
  to?: number;
  failed?: boolean;
}

/** A sub-task of a watched run. */
export interface Lane {
  readonly name: string;
  status: SubTaskStatus;
  readonly attempts: Attempt[];
  /** Additional information. */
  note: string;
  /** Whether its result is in the reply. */
  answered: boolean;
}

/** The state of a run from its events: all of them, or those since the watch began. */
export class WatchedRun {
  readonly id: string;
  readonly task: string;
  status = 'running';
  readonly startedAt: number;
  finishedAt: number | undefined;
  /** Information about the reply. */
  reply = '';
  private readonly lanesByName = new Map<string, Lane>();

  /** @param event the first event of the run that is received */
  constructor({ runId, task, time, type }: RunEvent) {
    this.id = runId;
    this.task = task;
    this.startedAt = Date.parse(time);
    if (type === 'run.started') return;
    this.startedAt = Math.min(this.startedAt, timeOfId(runId) ?? Infinity);
    this.reply = 'watched from its middle on';
  }

  get lanes(): Lane[] {
    return [...this.lanesByName.values()];
  }

  apply(event: RunEvent): void {
    if ('subTask' in event) this.applyTo(this.lane(event.subTask), event);
    else if (event.type === 'run.started') for (const name of event.data.subTasks) this.lane(name);
    else if (event.type === 'run.replied') {
      const { reply, status } = event.data;
      this.status = status;
      this.reply = said(event);
      const winners = 'answeredBy' in reply ? [reply.answeredBy].flat() : [];
      for (const lane of this.lanes) lane.answered = winners.includes(lane.name);
    } else if (event.type === 'run.finished') {
      this.status = event.data.status;
      this.finishedAt = Date.parse(event.time);
    } else if (event.type === 'run.reopened') {
      this.status = 'running';
      this.finishedAt = undefined;
    }
  }

  private lane(name: string): Lane {
    const known = this.lanesByName.get(name);
    if (known) return known;
    const lane: Lane = { name, status: 'pending', attempts: [], note: '', answered: false };
    this.lanesByName.set(name, lane);
    return lane;
  }

  private applyTo(lane: Lane, event: RunEvent & { readonly subTask: string }): void {
    const at = Date.parse(event.time);
    const last = lane.attempts.at(-1);
    if (event.type === 'sub-task.held-back') lane.note = said(event);
    else if (event.type === 'sub-task.progressed') {
      lane.status = 'running';
      lane.note = json(event.data.value);
    } else if (event.type === 'sub-task.streamed') {
      lane.status = 'running';
      lane.note = streamedText(event);
    } else if (event.type === 'sub-task.started') {
      lane.status = 'running';
      lane.note = event.attempt > 1 ? `attempt ${event.attempt}` : '';
      lane.attempts.push({ from: at });
    } else {
      lane.status = event.type.slice('sub-task.'.length) as SubTaskStatus;
      lane.note = noteOf(event);
      if (last) {
        last.to ??= at;
        last.failed = 'error' in event.data;
      } else if ('durationMs' in event.data)
        lane.attempts.push({ from: at - event.data.durationMs, to: at, failed: 'error' in event.data });
    }
  }
}

function noteOf({ data }: RunEvent): string {
  if ('error' in data) return short(data.error.message);
  return 'reason' in data ? short(data.reason) : '';
}

/** When a run was created, from its id: a UUIDv7 begins with the time in milliseconds. */
function timeOfId(id: string): number | undefined {
  const hex = /^([\da-f]{8})-([\da-f]{4})-7/.exec(id);
  return hex ? Number.parseInt(`${hex[1]}${hex[2]}`, 16) : undefined;
}
