import type { Clock } from '../core/clock.js';
import type { StreamMeasures } from '../core/events.js';
import { JsonError, memoryBytes, toJson, type JsonValue } from '../core/json.js';
import type { MemoryBudget } from '../core/memory-budget.js';
import { SubTaskError } from '../core/sub-task-error.js';
import type { StreamTerms } from '../core/task.js';
import { StallWatch } from './stall-watch.js';

/** How many bytes of a stream may wait for their commit. Beyond that the upstream waits. */
const MAX_UNRECORDED_BYTES = 64 * 2 ** 10;

/** The state in which a stream begins: see {@link StreamReading}. */
export type StreamPlace = 'racing' | 'behind' | 'lost';

/** Who is told of the chunks of a stream. */
interface StreamListener {
  readonly attempt: number;
  /** @param first position of the first of these chunks in the stream, from 0 */
  streamed(first: number, chunks: readonly JsonValue[]): void;
}

/** What streams share with everything that this process executes. */
interface StreamBounds {
  readonly clock: Clock;
  readonly memory: MemoryBudget;
  readonly maxResultBytes: number;
}

/**
 * Reads the stream of one attempt. Its chunks are told in groups: the first as soon as one of them wins, each further one when the one
 * before is on record. So many chunks a second cost no more commits than the journal makes.
 *
 * - `racing`: no stream leads yet, as far as is known. At most one group is told before its commit
 * - `behind`: the attempt before leads until its break is committed. Nothing is told before that, or before the end
 * - `leading`: callers are shown this stream
 * - `lost`: callers are shown another stream, or none. The chunks are kept for the result alone
 */
export class StreamReading {
  private phase: StreamPlace | 'leading';
  private readonly chunks: JsonValue[] = [];
  private bytes = 0;
  private memoryBytes = 0;
  /** How many chunks were told. */
  private told = 0;
  /** How many groups that were told aren’t on record yet. There is more than one where all was told again, or the end told the rest. */
  private unrecorded = 0;
  private untoldBytes = 0;
  private isHeld = false;
  private readonly stalls: StallWatch;
  private iterator: AsyncIterator<unknown> | undefined;
  private ended = false;

  constructor(
    private readonly terms: StreamTerms,
    private readonly bounds: StreamBounds,
    private readonly listener: StreamListener,
    place: StreamPlace,
  ) {
    this.phase = place;
    this.stalls = new StallWatch(terms, bounds.clock);
  }

  /** Whether a chunk didn't come in time. */
  get hasStalled(): boolean {
    return this.stalls.hasStalled;
  }

  /** Whether callers may have been shown some of it. */
  get mayHaveBeenShown(): boolean {
    return this.told > 0 && this.phase !== 'lost';
  }

  /** @param tokens how many tokens there are, where that is known */
  measures(tokens: number | undefined): StreamMeasures {
    const { firstChunkMs } = this.stalls;
    return {
      chunks: this.chunks.length,
      bytes: this.bytes,
      ...(firstChunkMs !== undefined && { firstChunkMs }),
      ...(tokens !== undefined && { tokens }),
    };
  }

  /**
   * Reads the stream to its end. Resolves with all chunks together: a text, or a list.
   *
   * @throws {SubTaskError} `stream-empty` when no chunk has won; `stream-stalled`; {@link JsonError}; what the stream throws
   */
  read(source: Promise<AsyncIterable<unknown>>): Promise<JsonValue> {
    return new Promise((resolve, reject) => {
      this.stalls.begin(reject);
      this.pull(source).then(resolve, reject);
    });
  }

  /**
   * Called when a group is committed, in the order in which groups were told. Only the last one changes the state.
   *
   * @param attempt the attempt that has told it: an attempt before may still get its records when the next has begun
   */
  recorded(attempt: number, leads: boolean): void {
    if (attempt !== this.listener.attempt) return;
    this.unrecorded -= 1;
    if (this.unrecorded > 0) return;
    if (this.phase === 'racing') this.phase = leads ? 'leading' : 'lost';
    this.tell();
    this.ease();
  }

  /** Called when another stream leads. */
  lose(): void {
    this.phase = 'lost';
    this.untoldBytes = 0;
    this.ease();
  }

  /** Called when the stream that led has broken off. All chunks so far are told again. */
  race(): void {
    this.phase = 'racing';
    this.told = 0;
    this.tellRest();
  }

  /** Lets the upstream wait while callers can take no more. */
  hold(on: boolean): void {
    this.isHeld = on;
    this.ease();
  }

  /** Tells what is left, before its end is told. One that has lost does so too, while what it told isn’t on record: it leads by that if the other breaks off. */
  flush(): void {
    if (this.phase === 'behind') this.phase = 'racing';
    if (this.phase !== 'lost' || this.unrecorded > 0) this.tellRest();
  }

  /** Ends the stream. Chunks that still come are discarded. */
  stop(): void {
    if (this.ended) return;
    this.ended = true;
    this.stalls.end();
    this.bounds.memory.give(this.memoryBytes);
    this.ease();
    this.leave();
  }

  /** Asks the iterator to return. A generator that waits for something returns when that comes; its signal is aborted, too. */
  private leave(): void {
    this.iterator?.return?.().catch(() => undefined);
  }

  private get mustWait(): boolean {
    if (this.ended || this.phase === 'lost') return false;
    return this.untoldBytes > MAX_UNRECORDED_BYTES || (this.isHeld && this.phase === 'leading');
  }

  private async pull(source: Promise<AsyncIterable<unknown>>): Promise<JsonValue> {
    const { stalls } = this;
    try {
      const iterator = (await source)[Symbol.asyncIterator]();
      this.iterator = iterator;
      if (this.ended) this.leave();
      for (;;) {
        const next = this.ended ? undefined : await iterator.next();
        if (!next || this.ended) return null;
        if (next.done) break;
        const chunk = toJson(next.value, this.bounds.maxResultBytes);
        this.keep(chunk);
        if (stalls.firstChunkMs === undefined && (await this.terms.wins(chunk))) stalls.won();
        this.tell();
        if (this.mustWait) await stalls.pause();
        stalls.taken();
      }
    } finally {
      stalls.end();
    }
    if (stalls.firstChunkMs === undefined)
      throw new SubTaskError('The stream ended before a chunk that wins', { code: 'stream-empty' });
    const texts = this.chunks.every((chunk) => typeof chunk === 'string');
    return texts ? this.chunks.join('') : Object.freeze(this.chunks);
  }

  private keep(chunk: JsonValue): void {
    const { maxResultBytes, memory } = this.bounds;
    const size = bytesOf(chunk);
    this.bytes += size;
    if (this.bytes > maxResultBytes)
      throw new JsonError('too-large', `the stream has more than ${maxResultBytes} bytes`);
    this.chunks.push(chunk);
    const inMemory = memoryBytes(chunk);
    this.memoryBytes += inMemory;
    memory.take(inMemory);
    if (this.phase !== 'lost') this.untoldBytes += size;
  }

  private tell(): void {
    if (this.unrecorded === 0 && this.phase !== 'lost' && this.phase !== 'behind') this.tellRest();
  }

  private tellRest(): void {
    const { chunks, told } = this;
    if (this.ended || this.stalls.firstChunkMs === undefined || told === chunks.length) return;
    this.unrecorded += 1;
    this.told = chunks.length;
    this.untoldBytes = 0;
    this.listener.streamed(told, told === 0 ? [...chunks] : chunks.slice(told));
  }

  private ease(): void {
    if (!this.mustWait) this.stalls.resume();
  }
}

function bytesOf(chunk: JsonValue): number {
  return Buffer.byteLength(typeof chunk === 'string' ? chunk : JSON.stringify(chunk));
}
