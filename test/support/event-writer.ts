import type { NewEvent, RunEvent } from '../../src/core/events.js';
import { aboutRun } from '../../src/core/new-event.js';
import type { RunRecord } from '../../src/core/run-record.js';
import { answeredBy } from '../../src/core/run-standing.js';
import type { IdempotencyKey } from '../../src/run/idempotency-key.js';
import type { Journal } from '../../src/run/journal.js';
import type { JournaledRun } from '../../src/run/journaled-run.js';

/** A run that does nothing but remember who waits for which of its events. */
class WrittenRun implements JournaledRun {
  readonly originFields = {};
  readonly shared = false;
  readonly lastEventId = 0;
  lastMs = 0;
  repliedMs = 0;
  answeredBy: JournaledRun['answeredBy'] = null;
  readonly refusals: RunEvent[] = [];
  private readonly waiting = new Map<RunEvent, PromiseWithResolvers<undefined>>();
  readonly id: string;
  about = '';
  number: number | undefined;
  readonly commits: number[];
  /** Whether it is another node's. */
  readonly isGuest: boolean;

  constructor(id: string, number?: number, commits: readonly number[] = [], isGuest = false) {
    this.id = id;
    this.number = number;
    this.commits = [...commits];
    this.isGuest = isGuest;
  }

  append(journal: Journal, event: RunEvent, key: IdempotencyKey | undefined): Promise<undefined> {
    this.about = aboutRun(event.runId, event);
    const waiting = Promise.withResolvers<undefined>();
    // Most append without waiting.
    waiting.promise.catch(() => undefined);
    this.waiting.set(event, waiting);
    journal.append(this, event, { key, fenced: this.isGuest });
    return waiting.promise;
  }

  committed(event: RunEvent): void {
    this.waiting.get(event)?.resolve(undefined);
    this.waiting.delete(event);
  }

  refused(event: RunEvent): void {
    this.refusals.push(event);
    this.waiting.get(event)?.reject(new Error(`${event.type} was refused`));
    this.waiting.delete(event);
  }
}

/**
 * Writes events into a journal for runs that nobody executes. It is also loaded by Node itself, as part of journal-program.ts, and so
 * has only what that can leave out of TypeScript.
 */
export class EventWriter {
  private readonly journal: Journal;
  private readonly runs = new Map<string, WrittenRun>();

  constructor(journal: Journal) {
    this.journal = journal;
  }

  /** What was fenced out. */
  get refusals(): RunEvent[] {
    return [...this.runs.values()].flatMap(({ refusals }) => refusals);
  }

  /** Resolves when the event is committed; rejects when it is fenced out. @param key kept with a run that starts */
  append({ type, runId, task, ...rest }: NewEvent, key?: IdempotencyKey): Promise<undefined> {
    if (type === 'run.started') this.runs.set(runId, new WrittenRun(runId));
    const run = this.runs.get(runId);
    if (!run) throw new Error(`The run ${runId} was neither started nor taken over here`);
    const event = { id: 0, type, time: '', runId, task, ...rest } as unknown as RunEvent;
    return run.append(this.journal, event, key);
  }

  /** Goes on with a run that another process began. */
  goOn({ id, firstEventId, commits, decision, repliedAt }: Readonly<RunRecord>): void {
    const run = new WrittenRun(id, firstEventId, commits);
    if (decision && repliedAt !== null)
      [run.repliedMs, run.answeredBy] = [Date.parse(repliedAt), answeredBy(decision.reply)];
    this.runs.set(id, run);
  }

  /** Reopens a run that is finished; resolves to false when another node has done so. */
  reopen(record: Readonly<RunRecord>): Promise<boolean> {
    const { id: runId, task } = record;
    this.goOn(record);
    return this.append({ type: 'run.reopened', runId, task, data: {} }).then(
      () => true,
      () => false,
    );
  }

  /** Executes sub-tasks of another node's run: what is told of them is fenced. */
  takeOn(runId: string, number: number): void {
    this.runs.set(runId, new WrittenRun(runId, number, [], true));
  }
}
