import Queue from 'yocto-queue';
import type { EventBus } from '../../events/event-bus.js';
import type { RunEvent } from '../../core/events.js';
import { advance, openRun } from '../../core/run-record.js';
import { unknownRun } from '../../core/domain-error.js';
import type { RunRecord } from '../../core/run-record.js';
import { stamped } from '../event-clock.js';
import { compareNewest, pageOf, rangeOf, type PlacedRun } from '../history-page.js';
import type { IdempotencyKey, KeyedRun } from '../../run/idempotency-key.js';
import {
  Journal,
  type AppendOptions,
  type EventPage,
  type EventQuery,
  type RunPage,
  type RunQuery,
  type RunSummary,
  type SavedStatistics,
  type StatisticsSlice,
  type Stretch,
} from '../../run/journal.js';
import type { JournaledRun, JournalEntry } from '../../run/journaled-run.js';
import { publishCommitted } from '../publish-committed.js';
import { MemoryLog } from './memory-log.js';

/** How many finished runs are kept, the newest ones, and how much memory their events may take together. */
export const RETAINED_RUNS = 10_000;
const RETAINED_BYTES = 256 * 2 ** 20;

/** The journal in memory: nothing outlives the process. It commits in the microtask after an `append`. */
export class MemoryJournal extends Journal {
  override readonly durable = false;
  override readonly obstacle = undefined;
  private sequence = 0;
  private readonly kept = new Map<string, PlacedRun<RunRecord>>();
  /** Finished runs, the one that finished first in front. */
  private readonly finished = new Queue<{ readonly id: string; readonly bytes: number }>();
  /** The last entry of each of them: one that was reopened finishes again. */
  private readonly ends = new Map<string, { readonly bytes: number }>();
  private readonly keys = new Map<string, KeyedRun & { readonly createdMs: number }>();
  private readonly keyOfRun = new Map<string, string>();
  private finishedBytes = 0;
  private readonly log = new MemoryLog();
  private readonly slices = new Map<string, StatisticsSlice>();
  private counted: Omit<SavedStatistics, 'slices'> | undefined;
  private lastCommitted = 0;
  private batch: JournalEntry[] = [];
  private commit: Promise<void> | undefined;

  /** @param keyRetentionMs how long idempotency keys are kept; no longer than their runs */
  constructor(
    private readonly bus: EventBus,
    private readonly keyRetentionMs: number,
  ) {
    super();
  }

  override append(run: JournaledRun, event: RunEvent, { key }: AppendOptions = {}): void {
    if (key) this.keep(key, run.id);
    this.batch.push({ run, event: stamped(event, ++this.sequence, Date.now()) });
    this.commit ??= Promise.resolve().then(() => {
      this.commitBatch();
    });
  }

  override claimKey({ client, key, fingerprint }: IdempotencyKey, runId: string): Promise<KeyedRun> {
    const found = this.keys.get(keyText(client, key));
    const isKept = found !== undefined && found.createdMs > Date.now() - this.keyRetentionMs;
    return Promise.resolve(isKept ? found : { runId, fingerprint });
  }

  override async committed(): Promise<void> {
    await this.commit;
  }

  override async run(id: string): Promise<Readonly<RunRecord> | undefined> {
    await this.commit;
    return this.kept.get(id)?.run;
  }

  override async runs(query: RunQuery): Promise<RunPage> {
    await this.commit;
    const { task, statuses, limit } = query;
    const { since, olderThan } = rangeOf(query);
    const found = [...this.kept.values()].filter(
      ({ run, position }) =>
        (task === undefined || run.task === task) &&
        (statuses?.includes(run.status) ?? true) &&
        position.createdAt >= since &&
        compareNewest(position, olderThan) > 0,
    );
    const { runs, next } = pageOf(
      found.sort((a, b) => compareNewest(a.position, b.position)),
      limit,
    );
    return { runs: runs.map(summaryOf), next };
  }

  override get lastEventId(): number {
    return this.lastCommitted;
  }

  override async events(query: EventQuery): Promise<EventPage> {
    if (query.runId !== undefined) await this.commit;
    const page = this.log.page(query, this.lastCommitted);
    if (!page) throw unknownRun(query.runId);
    return page;
  }

  override saveStatistics({ slices, ...counted }: SavedStatistics, { from, to }: Stretch): Promise<void> {
    for (const slice of slices) this.slices.set(JSON.stringify([slice.task, slice.start]), slice);
    for (const [key, { start }] of this.slices) if (start < from || start > to) this.slices.delete(key);
    this.counted = counted;
    return Promise.resolve();
  }

  override savedStatistics(): Promise<SavedStatistics | undefined> {
    return Promise.resolve(this.counted && { ...this.counted, slices: [...this.slices.values()] });
  }

  override async drain(): Promise<void> {
    while (this.commit) await this.commit;
  }

  override close(): Promise<void> {
    return Promise.resolve();
  }

  private commitBatch(): void {
    const { batch } = this;
    this.batch = [];
    this.commit = undefined;
    for (const { event } of batch) this.apply(event);
    this.lastCommitted = batch.at(-1)?.event.id ?? this.lastCommitted;
    publishCommitted(this.bus, batch);
  }

  private apply(event: RunEvent): void {
    this.log.add(event);
    if (event.type === 'run.started') {
      const position = { createdAt: Date.parse(event.time), number: event.id };
      this.kept.set(event.runId, { run: openRun(event), position });
      return;
    }
    const run = this.kept.get(event.runId)?.run;
    if (!run) return;
    advance(run, event);
    if (event.type === 'run.finished') this.retain(run.id);
  }

  private retain(id: string): void {
    const end = { id, bytes: this.log.bytesOf(id) };
    this.finishedBytes += end.bytes - (this.ends.get(id)?.bytes ?? 0);
    this.ends.set(id, end);
    this.finished.enqueue(end);
    while (this.ends.size > RETAINED_RUNS || this.finishedBytes > RETAINED_BYTES) {
      const oldest = this.finished.dequeue();
      if (!oldest) return;
      if (this.ends.get(oldest.id) !== oldest) continue;
      this.ends.delete(oldest.id);
      this.finishedBytes -= oldest.bytes;
      this.forget(oldest.id);
    }
  }

  /** One that was reopened is retained anew when it finishes again. */
  private forget(id: string): void {
    if (this.kept.get(id)?.run.finishedAt === null) return;
    this.kept.delete(id);
    this.log.forget(id);
    const key = this.keyOfRun.get(id);
    if (key === undefined) return;
    this.keyOfRun.delete(id);
    if (this.keys.get(key)?.runId === id) this.keys.delete(key);
  }

  private keep({ client, key, fingerprint }: IdempotencyKey, runId: string): void {
    const text = keyText(client, key);
    this.keys.set(text, { runId, fingerprint, createdMs: Date.now() });
    this.keyOfRun.set(runId, text);
  }
}

function keyText(client: string, key: string): string {
  return JSON.stringify([client, key]);
}

function summaryOf({ id, task, status, createdAt, finishedAt }: RunRecord): RunSummary {
  return { id, task, status, createdAt, finishedAt };
}
