import type { SQLInputValue } from 'node:sqlite';
import type { RunEvent } from '../../core/events.js';
import { labelTexts } from '../../core/labels.js';
import { traceIdOf } from '../../core/run-origin.js';
import { answeredBy } from '../../core/run-standing.js';
import type { IdempotencyKey } from '../../run/idempotency-key.js';
import type { JournaledRun, JournalEntry } from '../../run/journaled-run.js';
import { CommitGroup } from '../commit-group.js';
import { stamped } from '../event-clock.js';
import { EVENT_BREAK, eventText } from '../event-text.js';
import { answeredByText } from '../history-rows.js';
import { START_COLUMNS } from './run-columns.js';

/** Largest row with several events, in characters. Reading one run reads whole rows. */
export const MAX_ROW = 32 * 2 ** 10;

const NONE: readonly number[] = [];

/** Events that are to be committed together, as flat arrays: these cross to a thread at a third of the cost of objects. */
export interface EventGroup {
  readonly firstId: number;
  readonly lastId: number;
  /** `first, last, events` of each row of `commits`. */
  readonly commits: readonly SQLInputValue[];
  /** {@link START} of each run that starts in the group and stays open. */
  readonly started: readonly SQLInputValue[];
  /** {@link END} and `number` of each run that finishes, but didn't start in the group. */
  readonly finished: readonly SQLInputValue[];
  /** {@link START} and {@link END} of each run that starts and finishes in the group. */
  readonly whole: readonly SQLInputValue[];
  /** {@link REOPENED_VALUES} of each finished run that goes on again. */
  readonly reopened: readonly SQLInputValue[];
  /** `client, key, fingerprint, run, created_at` of each idempotency key. */
  readonly keys: readonly SQLInputValue[];
  /** `label, labelled_at, run` of each label of a run that starts. */
  readonly labels: readonly SQLInputValue[];
}

/** A group of events, both as events and as rows. */
export class SqliteGroup extends CommitGroup {
  readonly entries: JournalEntry[] = [];
  /** Ids of its events that were refused when the group was committed. */
  refused: readonly number[] = NONE;
  lastId: number;
  private readonly commits: SQLInputValue[] = [];
  private readonly started: SQLInputValue[] = [];
  private readonly finished: SQLInputValue[] = [];
  private readonly reopened: SQLInputValue[] = [];
  private readonly keys: SQLInputValue[] = [];
  private readonly labels: SQLInputValue[] = [];
  /** {@link END} of each run that started and finished in this group, by the run's number. */
  private readonly ends = new Map<SQLInputValue, readonly SQLInputValue[]>();
  /** The row to which events are added: its first event, and its text without the closing bracket. */
  private first: number;
  private text = '[';

  constructor(readonly firstId: number) {
    super();
    this.first = firstId;
    this.lastId = firstId - 1;
  }

  get nextId(): number {
    return this.lastId + 1;
  }

  override get count(): number {
    return this.entries.length;
  }

  /** The rows that the store commits. */
  get rows(): EventGroup {
    const { firstId, lastId, finished, reopened, keys, labels } = this;
    const commits = [...this.commits, this.first, lastId, `${this.text}]`];
    return { firstId, lastId, commits, ...this.startedRows(), finished, reopened, keys, labels };
  }

  /** Stamps an event and adds it. @param key the idempotency key of a run that starts */
  add(run: JournaledRun, unstamped: RunEvent, key?: IdempotencyKey): void {
    const ms = (run.lastMs = Math.max(run.lastMs, Date.now()));
    const event = stamped(unstamped, this.nextId, ms);
    if (event.type === 'run.started') run.number = event.id;
    const { number } = run;
    if (number === undefined) throw new Error(`The run ${run.id} was never started`);
    this.write(eventText(event, run.about), event.id);
    if (run.commits.at(-1) !== this.first) run.commits.push(this.first);
    if (event.type === 'run.started') {
      const { requestId, traceparent } = event.data;
      this.started.push(number, run.id, event.task, ms, event.client ?? null);
      this.started.push(requestId ?? null, traceIdOf(traceparent) ?? null);
      if (event.labels) for (const label of labelTexts(event.labels)) this.labels.push(label, ms, number);
    } else if (event.type === 'run.replied')
      [run.repliedMs, run.answeredBy] = [ms, answeredBy(event.data.reply)];
    else if (event.type === 'run.finished') this.finish(run, number, event.data.status, ms);
    else if (event.type === 'run.reopened') this.reopened.push(number, run.id, event.id, ms);
    if (key) this.keys.push(key.client, key.key, key.fingerprint, number, ms);
    this.entries.push({ run, event });
  }

  override tellsOf(runId: string): boolean {
    return this.entries.some(({ run }) => run.id === runId);
  }

  private write(text: string, id: number): void {
    if (id > this.first && this.text.length + text.length > MAX_ROW) {
      this.commits.push(this.first, this.lastId, `${this.text}]`);
      this.first = id;
      this.text = '[';
    }
    this.text += id === this.first ? text : EVENT_BREAK + text;
    this.lastId = id;
    this.size += text.length;
  }

  private finish(run: JournaledRun, number: number, status: string, ms: number): void {
    const text = `[${run.commits.join(',')}]`;
    const repliedAt = run.repliedMs === 0 ? null : run.repliedMs;
    const winner = answeredByText(run.answeredBy);
    if (number < this.firstId) this.finished.push(status, ms, text, repliedAt, winner, number);
    else this.ends.set(number, [status, ms, text, repliedAt, winner]);
  }

  private startedRows(): Pick<EventGroup, 'started' | 'whole'> {
    if (this.ends.size === 0) return { started: this.started, whole: [] };
    const started: SQLInputValue[] = [];
    const whole: SQLInputValue[] = [];
    for (let at = 0; at < this.started.length; at += START_COLUMNS) {
      const row = this.started.slice(at, at + START_COLUMNS);
      const end = this.ends.get(row[0] ?? null);
      if (end) whole.push(...row, ...end);
      else started.push(...row);
    }
    return { started, whole };
  }
}
