import { systemClock } from '../../core/clock.js';
import { unknownRun } from '../../core/domain-error.js';
import type { RunEvent } from '../../core/events.js';
import { runOf, type RunRecord } from '../../core/run-record.js';
import { MemoryBudget } from '../../core/memory-budget.js';
import { answeredBy } from '../../core/run-standing.js';
import type { EventBus } from '../../events/event-bus.js';
import type { IdempotencyKey, KeyedRun } from '../../run/idempotency-key.js';
import {
  Journal,
  type AppendOptions,
  type SavedStatistics,
  type StatisticsSlice,
  type Stretch,
} from '../../run/journal.js';
import type { EventPage, EventQuery, RunPage, RunQuery } from '../../run/journal-pages.js';
import type { JournaledRun, JournalEntry } from '../../run/journaled-run.js';
import { OwnWebhooks } from '../../run/own-webhooks.js';
import { ClockWatch } from '../clock-watch.js';
import { stamped } from '../event-clock.js';
import { compareNewest, pageOf, rangeOf } from '../history-page.js';
import { publishCommitted } from '../publish-committed.js';
import { FinishedRuns } from './finished-runs.js';
import { fits, summaryOf, type KeptRun } from './kept-run.js';
import { MemoryLog } from './memory-log.js';

/** A character takes two bytes at most. */
const BYTES_PER_CHARACTER = 2;

/** The journal in memory: nothing outlives the process. It commits once in each turn of the event loop. */
export class MemoryJournal extends Journal {
  override readonly durable = false;
  override readonly obstacle = undefined;
  private sequence = 0;
  private readonly kept = new Map<string, KeptRun>();
  private readonly finished: FinishedRuns<KeptRun>;
  private readonly keys = new Map<string, KeyedRun & { readonly createdMs: number }>();
  private readonly log = new MemoryLog();
  override readonly webhooks = new OwnWebhooks(
    () => this.now(),
    (runId) => this.kept.get(runId)?.erased === true,
  );
  private readonly slices = new Map<string, StatisticsSlice>();
  private counted: Omit<SavedStatistics, 'slices'> | undefined;
  private readonly clock = new ClockWatch();
  private lastCommitted = 0;
  private batch: JournalEntry[] = [];
  /** Ids of the events in the batch that are refused: they would have reopened a run that is no longer kept. */
  private refused: number[] = [];
  /** Callbacks for the commit of the batch. */
  private waiting: (() => void)[] = [];

  /**
   * @param keyRetentionMs how long idempotency keys are kept, in milliseconds; never longer than their runs
   * @param memory the budget that counts the events of unfinished runs
   * @param soon schedules the commit of a batch. Default: at the end of the turn
   */
  constructor(
    private readonly bus: EventBus,
    private readonly keyRetentionMs: number,
    private readonly memory = new MemoryBudget(),
    private readonly soon: (commit: () => void) => void = setImmediate,
    private readonly time = systemClock,
  ) {
    super();
    this.finished = new FinishedRuns(memory.limitBytes, (run) => {
      this.forget(run);
    });
  }

  override now(): number {
    return this.time.now();
  }

  override append(run: JournaledRun, event: RunEvent, { key }: AppendOptions = {}): void {
    const ms = (run.lastMs = Math.max(run.lastMs, this.now()));
    stamped(event, ++this.sequence, ms);
    if (event.type === 'run.started') this.kept.set(run.id, this.keptRun(event, ms, key));
    if (this.batch.length === 0) this.soon(this.commit);
    this.batch.push({ run, event });
  }

  override claimKey({ client, key, fingerprint }: IdempotencyKey, runId: string): Promise<KeyedRun> {
    const found = this.keys.get(keyText(client, key));
    const isKept = found !== undefined && found.createdMs > this.clock.before(this.keyRetentionMs);
    return Promise.resolve(isKept ? found : { runId, fingerprint });
  }

  override async committed(): Promise<void> {
    if (this.batch.length > 0) await new Promise<void>((resolve) => this.waiting.push(resolve));
  }

  override async run(id: string): Promise<Readonly<RunRecord> | undefined> {
    await this.committed();
    const run = this.known(id);
    return run && runOf(this.log.eventsOf(id, run));
  }

  override async runs(query: RunQuery): Promise<RunPage> {
    await this.committed();
    const { olderThan } = rangeOf(query);
    const found = [...this.kept.values()].filter(
      (run) => fits(run, query) && compareNewest(run.position, olderThan) > 0,
    );
    const newest = found.sort((a, b) => compareNewest(a.position, b.position)).slice(0, query.limit + 1);
    return pageOf(
      newest.map((run) => ({ position: run.position, run: summaryOf(run) })),
      query.limit,
    );
  }

  override get lastEventId(): number {
    return this.lastCommitted;
  }

  override async events(query: EventQuery): Promise<EventPage> {
    const { runId } = query;
    if (runId !== undefined) await this.committed();
    const run = runId === undefined ? undefined : this.known(runId);
    if (runId !== undefined && !run) throw unknownRun(runId);
    return this.log.page(query, this.lastCommitted, (id) => this.kept.has(id), run);
  }

  override async erase(id: string): Promise<boolean> {
    await this.committed();
    const run = this.known(id);
    if (run?.finishedAt == null) return false;
    this.log.erase(id, run);
    this.finished.resize(run, run.size * BYTES_PER_CHARACTER);
    this.forgetKey(run);
    run.erased = true;
    this.webhooks.erase(id);
    this.bus.erased(id);
    return true;
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
    while (this.batch.length > 0) await this.committed();
  }

  override close(): Promise<void> {
    return Promise.resolve();
  }

  private readonly commit = (): void => {
    const { batch, waiting } = this;
    this.batch = [];
    this.waiting = [];
    for (const entry of batch) this.apply(entry);
    this.lastCommitted = batch.at(-1)?.event.id ?? this.lastCommitted;
    publishCommitted(this.bus, batch, this.refused);
    if (this.refused.length > 0) this.refused = [];
    for (const resolve of waiting) resolve();
  };

  private apply({ run: { about }, event }: JournalEntry): void {
    const run = this.known(event.runId);
    if (!run) {
      if (event.type === 'run.reopened') this.refused.push(event.id);
      return;
    }
    const sizeBefore = run.finishedAt === null ? run.size : 0;
    this.log.add(event, about, run);
    if (event.type === 'run.reopened') [run.status, run.finishedAt] = ['running', null];
    // Events of finished runs have a bound of their own.
    if (run.finishedAt === null) this.memory.take((run.size - sizeBefore) * BYTES_PER_CHARACTER);
    if (event.type === 'run.replied')
      [run.repliedAt, run.answeredBy] = [event.time, answeredBy(event.data.reply)];
    if (event.type !== 'run.finished') return;
    [run.status, run.finishedAt] = [event.data.status, Date.parse(event.time)];
    this.memory.give(run.size * BYTES_PER_CHARACTER);
    this.finished.add(run, run.size * BYTES_PER_CHARACTER);
  }

  private keptRun(
    { id: number, runId, task, client, labels, data }: RunEvent<'run.started'>,
    createdAt: number,
    key?: IdempotencyKey,
  ): KeptRun {
    const text = key && keyText(key.client, key.key);
    if (text !== undefined && key)
      this.keys.set(text, { runId, fingerprint: key.fingerprint, createdMs: createdAt });
    const position = { createdAt, number };
    const { requestId, traceparent } = data;
    const open = { status: 'running' as const, repliedAt: null, answeredBy: null, finishedAt: null };
    const run = { id: runId, task, client, requestId, traceparent, labels, position, ...open };
    return { ...run, key: text, end: undefined, erased: false, blocks: [], size: 0 };
  }

  private forget(run: KeptRun): void {
    this.kept.delete(run.id);
    this.log.forget(run);
    this.forgetKey(run);
  }

  private forgetKey(run: KeptRun): void {
    if (run.key !== undefined && this.keys.get(run.key)?.runId === run.id) this.keys.delete(run.key);
  }

  private known(id: string): KeptRun | undefined {
    const run = this.kept.get(id);
    return run?.erased ? undefined : run;
  }
}

function keyText(client: string, key: string): string {
  return JSON.stringify([client, key]);
}
