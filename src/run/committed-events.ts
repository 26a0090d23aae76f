import type { RunEvent, SubTaskEvent } from '../core/events.js';
import { advance, runOf, type RunRecord } from '../core/run-record.js';

/** The committed events of a live run. The record is made only when somebody asks: most runs end before that. */
export class CommittedEvents {
  private since: RunEvent[] | undefined = [];
  /** The id of the last committed event. */
  lastId: number;
  /** When the run started; undefined for one that was reopened. */
  startedAt: string | undefined;

  /** @param before what an earlier process has recorded */
  constructor(private before: Readonly<RunRecord> | undefined) {
    this.lastId = before?.lastEventId ?? 0;
    if (before?.finishedAt === null && !before.reopened) this.startedAt = before.createdAt;
  }

  /** The run's record; undefined before the first event, and after {@link forget}. */
  get record(): RunRecord | undefined {
    const { before, since } = this;
    if (!since) return undefined;
    if (!before) return since.length > 0 ? runOf(since) : undefined;
    const record = structuredClone(before);
    for (const event of since) advance(record, event);
    return record;
  }

  add(event: RunEvent): void {
    this.lastId = event.id;
    if (event.type === 'run.started') this.startedAt = event.time;
    if (event.type === 'sub-task.progressed' || event.type === 'sub-task.streamed') this.forgetLast(event);
    this.since?.push(
      event.type === 'sub-task.streamed' ? { ...event, data: { ...event.data, chunks: [] } } : event,
    );
  }

  /** Drops the last event of this type, which the next one replaces. The first chunks of a stream stay: they say who leads. */
  private forgetLast({ type, subTask }: SubTaskEvent): void {
    const { since = [] } = this;
    const at = since.findLastIndex((event) => event.type === type && event.subTask === subTask);
    const last = since[at];
    if (last && !(last.type === 'sub-task.streamed' && last.data.first === 0)) since.splice(at, 1);
  }

  /** Forgets the events: from now on, only the journal has them. */
  forget(): void {
    this.since = undefined;
    this.before = undefined;
  }
}
