import type { RunEvent } from '../core/events.js';
import { memoryBytes, type JsonValue } from '../core/json.js';
import type { Hearer } from '../core/measures.js';
import type { ReplyPolicy } from '../core/policies.js';
import type { Comparison, ShadowTerms } from '../core/shadow.js';
import { comparedKey, comparedValue } from '../run/agreement.js';
import { differences } from './differences.js';
import { ShadowTally } from './shadow-tally.js';
import type { TaskSlice } from './task-slice.js';

/** The most bytes of results that wait in memory to be compared. Of further results, only the digest is kept. */
const MOST_BYTES = 16 * 2 ** 20;

/** Approximate memory of all results that wait to be compared. */
export class KeptResults {
  private bytes = 0;

  /** Takes bytes if there is room for them; returns whether there was. */
  take(bytes: number): boolean {
    if (this.bytes + bytes > MOST_BYTES) return false;
    this.bytes += bytes;
    return true;
  }

  give(bytes: number): void {
    this.bytes -= bytes;
  }
}

/** A result, or the digest of a result that was too large to keep. */
interface Kept {
  readonly result?: JsonValue;
  /** For each shadow, the digest of what is compared: see {@link comparedKey}. */
  readonly keyBy?: ReadonlyMap<string, string | undefined>;
}

/** Compares the results of the shadows of one run with its reply, whichever comes first. */
export class ComparedShadows {
  private readonly waiting = new Map<string, Kept>();
  private reply: Kept | undefined;
  private bytes = 0;

  /**
   * @param names the names of the shadows
   * @param declared the comparison that the task declares for each shadow, as far as known
   * @param compared called for each shadow: whether its result was `equal` or `different`, or whether it has `failed`
   */
  constructor(
    private readonly names: readonly string[],
    private readonly policy: ReplyPolicy,
    private readonly declared: ReadonlyMap<string, ShadowTerms> | undefined,
    private readonly memory: KeptResults,
    private readonly compared: Hearer['compared'],
  ) {}

  includes(subTask: string): boolean {
    return this.names.includes(subTask);
  }

  succeeded({ subTask, data: { result }, ...event }: RunEvent<'sub-task.succeeded'>, slice: TaskSlice): void {
    if (this.reply) this.compare(subTask, { result }, this.reply, event, slice);
    else this.waiting.set(subTask, this.keep(result, [subTask]));
  }

  failed({ task, subTask }: RunEvent<'sub-task.failed'>): void {
    this.compared(task, subTask, 'failed');
  }

  /** Compares the waiting results with the reply. An error is compared with nothing. */
  replied({ data: { reply }, ...event }: RunEvent<'run.replied'>, slice: TaskSlice): void {
    const result = 'error' in reply ? undefined : this.resultOf(reply);
    if (result === undefined) return;
    for (const [subTask, kept] of this.waiting) this.compare(subTask, kept, { result }, event, slice);
    if (this.waiting.size < this.names.length) this.reply = this.keep(result, this.names);
    this.waiting.clear();
  }

  /** Gives back the memory of the kept results. */
  release(): void {
    this.memory.give(this.bytes);
    this.bytes = 0;
  }

  /** The result of the reply; of several results, that of the first winner. */
  private resultOf(reply: { readonly answeredBy: string | readonly string[]; readonly result: JsonValue }) {
    const [first = ''] = [reply.answeredBy].flat();
    const { policy } = this.policy;
    if (policy !== 'quorum' && policy !== 'all' && policy !== 'deadline') return reply.result;
    return (reply.result as Readonly<Record<string, JsonValue>>)[first];
  }

  private keep(result: JsonValue, forShadows: readonly string[]): Kept {
    const bytes = memoryBytes(result);
    if (!this.memory.take(bytes))
      return {
        keyBy: new Map(forShadows.map((name) => [name, comparedKey(this.comparisonOf(name), result)])),
      };
    this.bytes += bytes;
    return { result };
  }

  private compare(
    subTask: string,
    one: Kept,
    other: Kept,
    { task, runId, time }: Pick<RunEvent, 'task' | 'runId' | 'time'>,
    slice: TaskSlice,
  ): void {
    const tally = (slice.subTask(subTask).shadow ??= new ShadowTally());
    const pointers = this.pointersTo(subTask, one, other);
    tally.note({ runId, time, pointers });
    this.compared(task, subTask, pointers.length === 0 ? 'equal' : 'different');
  }

  /** Pointers to the differences. A result with nothing to compare differs. */
  private pointersTo(subTask: string, one: Kept, other: Kept): string[] {
    const comparison = this.comparisonOf(subTask);
    const { pointer = '' } = comparison;
    if (one.result === undefined || other.result === undefined) {
      const [key, otherKey] = [one, other].map(({ result, keyBy }) =>
        result === undefined ? keyBy?.get(subTask) : comparedKey(comparison, result),
      );
      return key !== undefined && key === otherKey ? [] : [pointer];
    }
    const [value, otherValue] = [one.result, other.result].map((result) => comparedValue(comparison, result));
    return value === undefined ? [pointer] : differences(value, otherValue, pointer);
  }

  /** The comparison that the shadow declares, otherwise that of the run's agreement policy. */
  private comparisonOf(subTask: string): Comparison {
    const { pointer, ignore } = this.declared?.get(subTask) ?? {};
    const own = { ...(pointer !== undefined && { pointer }), ...(ignore && { ignore }) };
    if (pointer !== undefined || ignore || this.policy.policy !== 'agreement') return own;
    return this.policy;
  }
}
