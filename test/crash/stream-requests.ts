import type { JsonValue } from '../../src/core/json.js';
import type { LosersPolicy, ReplyPolicy } from '../../src/core/policies.js';
import type { Random } from './random.ts';

/** What streams in the tasks of {@link STREAM_TASKS}: texts, objects, and texts of one that starts when another has failed. */
const STREAMING = ['lines', 'points', 'spare'] as const;

/** Tasks whose sub-tasks stream. They differ in what follows when a stream breaks off that callers were shown. */
export const STREAM_TASKS = { 'stream-fail': STREAMING, 'stream-restart': STREAMING } as const;

export type StreamTaskName = keyof typeof STREAM_TASKS;
export type StreamName = (typeof STREAMING)[number];

/** What one sub-task streams. */
interface StreamScript {
  readonly chunks: number;
  /** Until the first chunk, and between two. */
  readonly firstMs: number;
  readonly everyMs: number;
  /** The attempts up to this one break off, behind so many chunks. */
  readonly failures: number;
  readonly breaksAt: number;
}

export type StreamInput = Readonly<Record<StreamName, StreamScript>>;

export interface StreamRequest {
  readonly input: StreamInput;
  readonly reply: ReplyPolicy;
  readonly losers: LosersPolicy;
}

export function randomStreamRequest(random: Random): StreamRequest {
  return {
    input: { lines: script(random), points: script(random), spare: script(random) },
    reply: random.pick<ReplyPolicy>([
      { policy: 'first-success' },
      { policy: 'first-success' },
      { policy: 'first-settled' },
      { policy: 'primary', primary: random.pick(['lines', 'points']) },
    ]),
    losers: random.pick<LosersPolicy>(['cancel', 'continue', { policy: 'cancel-after', after: '20ms' }]),
  };
}

function script(random: Random): StreamScript {
  const chunks = random.int(5, 40);
  return {
    chunks,
    firstMs: random.int(0, 20),
    everyMs: random.int(1, 8),
    failures: random.pick([0, 0, 0, 1, 2]),
    breaksAt: random.pick([0, random.int(1, chunks)]),
  };
}

/** Whose chunk it is. */
export interface ChunkOrigin {
  readonly runId: string;
  readonly subTask: string;
  readonly attempt: number;
}

/** The chunk of that number, from 0. Whatever is lost, changed or taken from another attempt shows. */
export function chunkOf({ runId, subTask, attempt }: ChunkOrigin, index: number): JsonValue {
  if (subTask === 'points') return { runId, subTask, attempt, index };
  return `${runId} ${subTask} ${String(attempt)} ${String(index)};`;
}

/** What the service has to make of all chunks of a stream. */
export function assembled(chunks: readonly JsonValue[]): JsonValue {
  return chunks.every((chunk) => typeof chunk === 'string') ? chunks.join('') : [...chunks];
}

/** The attempt that brought a result of a stream. */
export function attemptOfStream(result: unknown): number {
  if (typeof result === 'string') return Number(result.split(' ', 3)[2]);
  const [first] = result as readonly { readonly attempt: number }[];
  return first?.attempt ?? 0;
}
