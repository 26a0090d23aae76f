import { isDeepStrictEqual } from 'node:util';
import type { RunEvent } from '../../src/core/events.js';
import type { JsonValue } from '../../src/core/json.js';
import type { LogDatabase } from './log-proof.ts';
import { assembled, chunkOf, type ChunkOrigin } from './stream-requests.ts';
import type { StreamMessage, ToldStream } from './told-stream.ts';

/** An event of a sub-task that streams, as the log has it. */
interface LoggedEvent {
  readonly id: number;
  readonly runId: string;
  readonly type: RunEvent['type'];
  readonly subTask: string;
  readonly attempt: number;
  /** JSON */
  readonly data: string;
}

/** A time in which attempts may begin anew, because processes end: between two events of the log. */
export interface Upheaval {
  readonly from: number;
  readonly to: number;
}

/** What came of all streams. */
export interface StreamsProof {
  readonly violations: readonly string[];
  readonly chunks: number;
  readonly restarts: number;
  /** How many of the restarts were because a process had ended. */
  readonly resumed: number;
}

type Lead = Pick<ChunkOrigin, 'subTask' | 'attempt'>;
type Group = Lead & { readonly first: number; readonly chunks: readonly JsonValue[] };

const BREAKS: readonly RunEvent['type'][] = ['sub-task.retrying', 'sub-task.failed', 'sub-task.cancelled'];

/**
 * Holds what callers were shown against what sub-tasks have streamed, and against the log.
 *
 * @param again what whoever reads each of them from its beginning is shown in the end
 * @param upheavals when processes ended
 */
export async function proveStreams(
  log: LogDatabase,
  told: readonly ToldStream[],
  again: readonly (readonly StreamMessage[])[],
  upheavals: readonly Upheaval[],
): Promise<StreamsProof> {
  const events = await log.rows<LoggedEvent>(`
    SELECT events.id, runs.id AS "runId", type, sub_task AS "subTask", attempt, data
    FROM events JOIN runs_and_open AS runs ON runs.number = events.run
    WHERE runs.task LIKE 'stream-%' AND attempt > 0 ORDER BY events.id`);
  const eventsOf = Map.groupBy(events, ({ runId }) => runId);
  const proofs = told.map((stream, at) => {
    const proof = new StreamProof(stream, eventsOf.get(stream.runId) ?? [], upheavals);
    proof.read(stream.messages);
    proof.compare(again[at] ?? []);
    return proof;
  });
  return {
    violations: proofs.flatMap(({ violations }) => violations),
    chunks: proofs.reduce((sum, { chunks }) => sum + chunks, 0),
    restarts: proofs.reduce((sum, { restarts }) => sum + restarts, 0),
    resumed: proofs.reduce((sum, { resumed }) => sum + resumed, 0),
  };
}

/** The proof of what one caller was shown. */
class StreamProof {
  readonly violations: string[] = [];
  chunks = 0;
  restarts = 0;
  resumed = 0;
  readonly #stream: ToldStream;
  readonly #events: readonly LoggedEvent[];
  readonly #upheavals: readonly Upheaval[];
  #lead: Lead | undefined;
  #shown: JsonValue[] = [];
  /** Of the message before, where that was a restart. */
  #announced: Lead | undefined;
  #lastId = 0;

  constructor(stream: ToldStream, events: readonly LoggedEvent[], upheavals: readonly Upheaval[]) {
    this.#stream = stream;
    this.#events = events;
    this.#upheavals = upheavals;
  }

  read(messages: readonly StreamMessage[]): void {
    for (const message of messages) {
      const { id, event, data } = message;
      if (id !== undefined && id <= this.#lastId)
        this.#violate(`was told of event ${String(id)} after event ${String(this.#lastId)}`);
      if (event === 'restart') this.#announced = data as Lead;
      else if (event === 'chunk') this.#group(id, data as Group);
      else this.#end(event, data as { readonly result?: unknown; readonly answeredBy?: unknown });
      if (event !== 'restart') this.#announced = undefined;
      if (id !== undefined) this.#lastId = id;
    }
    const end = messages.at(-1)?.event;
    if (end !== 'run.replied' && end !== 'error') this.#violate(`was told no end, but ${String(end)} last`);
  }

  /** A restart may be told again; all else must be the same, however often its reader was cut off. */
  compare(again: readonly StreamMessage[]): void {
    const numbered = (messages: readonly StreamMessage[]) => messages.filter(({ id }) => id !== undefined);
    const [before, after] = [numbered(this.#stream.messages), numbered(again)];
    const at = before.findIndex((message, index) => !isDeepStrictEqual(message, after[index]));
    if (at >= 0)
      this.#violate(`was told ${JSON.stringify(before[at])}, and is told ${JSON.stringify(after[at])} now`);
    else if (after.length !== before.length)
      this.#violate(`was told ${String(before.length)} messages, and is told ${String(after.length)} now`);
  }

  #group(id: number | undefined, { subTask, attempt, first, chunks }: Group): void {
    const lead = { subTask, attempt };
    if (!isDeepStrictEqual(this.#lead, lead)) this.#newLead(id ?? 0, lead);
    else if (this.#announced) this.#violate(`was told that ${subTask} begins anew, which led`);
    if (first !== this.#shown.length)
      this.#violate(`was told chunk ${String(first)} after ${String(this.#shown.length)} chunks`);
    for (const [at, chunk] of chunks.entries()) {
      const made = chunkOf({ runId: this.#stream.runId, ...lead }, first + at);
      if (!isDeepStrictEqual(chunk, made))
        this.#violate(`was told ${JSON.stringify(chunk)} instead of ${JSON.stringify(made)}`);
    }
    this.#shown.push(...chunks);
    this.chunks += chunks.length;
    this.#proveLogged(id, { ...lead, first, chunks });
  }

  /** What was told is in the log under its number, perhaps behind chunks that were told before. */
  #proveLogged(id: number | undefined, { subTask, attempt, first, chunks }: Group): void {
    const logged = this.#events.find((event) => event.id === id && event.type === 'sub-task.streamed');
    if (logged?.subTask !== subTask || logged.attempt !== attempt) {
      this.#violate(`was told chunks of event ${String(id)}, which the log has not`);
      return;
    }
    const group = JSON.parse(logged.data) as Group;
    const from = first - group.first;
    if (from < 0 || !isDeepStrictEqual(group.chunks.slice(from), chunks))
      this.#violate(`was told ${JSON.stringify(chunks)}, of which the log has ${logged.data}`);
  }

  #newLead(id: number, lead: Lead): void {
    const before = this.#lead;
    if (before) {
      this.restarts += 1;
      if (!isDeepStrictEqual(this.#announced, lead))
        this.#violate(
          `was told chunks of ${JSON.stringify(lead)} after ${JSON.stringify(before)}, and of no restart`,
        );
      const why = this.#breakOf(before, id);
      if (why === 'kill') this.resumed += 1;
      if (!why) this.#violate(`was told to begin anew with event ${String(id)}, for no reason`);
      else if (why === 'break' && this.#stream.task === 'stream-fail')
        this.#violate(`was told to begin anew after a break, which its task fails for`);
    } else if (this.#announced) this.#violate('was told to begin anew before there was anything');
    this.#lead = lead;
    this.#shown = [];
  }

  /** Why a stream led no more before an event: it broke off, or the end of its process did that. */
  #breakOf({ subTask, attempt }: Lead, before: number): 'break' | 'kill' | undefined {
    const since = this.#lastId;
    const next = this.#events.find(
      (event) =>
        event.subTask === subTask &&
        event.id > since &&
        event.id < before &&
        (BREAKS.includes(event.type) || event.type === 'sub-task.started'),
    );
    if (!next) return undefined;
    if (next.type !== 'sub-task.started') return next.attempt === attempt ? 'break' : undefined;
    return this.#upheavals.some(({ from, to }) => to >= since && from < next.id) ? 'kill' : undefined;
  }

  /** Whether a sub-task had ended when a stream began to lead: it answers when the one that led before breaks off. */
  #hadEnded(answeredBy: unknown, { subTask, attempt }: Lead): boolean {
    const end = this.#events.find(
      (event) => event.subTask === answeredBy && event.type === 'sub-task.succeeded',
    );
    const begin = this.#events.find(
      (event) => event.subTask === subTask && event.attempt === attempt && event.type === 'sub-task.streamed',
    );
    return end !== undefined && begin !== undefined && end.id < begin.id;
  }

  #end(
    event: string,
    { result, answeredBy }: { readonly result?: unknown; readonly answeredBy?: unknown },
  ): void {
    if (event === 'error') return;
    if (event !== 'run.replied') {
      this.#violate(`was told ${event}, which is none of its messages`);
      return;
    }
    const lead = this.#lead;
    if (lead?.subTask === answeredBy) {
      if (!isDeepStrictEqual(result, assembled(this.#shown)))
        this.#violate(
          `was told ${JSON.stringify(this.#shown)}, and that the result is ${JSON.stringify(result)}`,
        );
    } else if (lead && this.#announced?.subTask !== answeredBy)
      this.#violate(
        `was told chunks of ${JSON.stringify(lead)}, an answer of ${String(answeredBy)}, and of no restart`,
      );
    else if (!lead || !(this.#breakOf(lead, Infinity) ?? this.#hadEnded(answeredBy, lead)))
      this.#violate(`was told chunks of ${JSON.stringify(lead)}, and an answer of ${String(answeredBy)}`);
  }

  #violate(text: string): void {
    this.violations.push(`Who read the stream of the run ${this.#stream.runId} ${text}`);
  }
}
