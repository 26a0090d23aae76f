import { DomainError } from '../core/domain-error.js';
import type { RunEvent } from '../core/events.js';
import type { JsonValue } from '../core/json.js';
import { EventBus } from '../events/event-bus.js';
import { StreamHold } from '../feed/stream-hold.js';
import { STREAMED_TYPES, StreamMessages, type ReplyMessage } from '../feed/stream-messages.js';
import { Journal } from '../run/journal.js';
import { Runs } from '../run/runs.js';
import { answerOf } from '../tasks/run-replies.js';
import { TaskRegistry } from '../tasks/task-registry.js';
import type { Parts } from './parts.js';
import type { Readers } from './readers.js';
import { stoppedBefore } from './run-events.js';

const PAGE = 100;
/** How many events wait in memory for a slow reader. Further ones are read from the journal. */
const MOST_WAITING = 100;
/** From this many waiting events on, the upstream has to wait. */
const HELD_FROM = 10;

/** Thrown when a stream broke off and another attempt is shown from its beginning. Earlier chunks are void. */
export class StreamRestartedError extends DomainError {
  constructor(
    readonly runId: string,
    readonly subTask: string,
    readonly attempt: number,
  ) {
    super(
      'stream-restarted',
      `The stream of the run ${runId} broke off and begins anew with ${subTask}, attempt ${attempt}; give onRestart to go on with that`,
      { runId, subTask, attempt },
    );
    this.name = 'StreamRestartedError';
  }
}

export interface ChunksOptions {
  /** Called when the stream starts again with another attempt: discard the chunks so far. Default: throws {@link StreamRestartedError}. */
  readonly onRestart?: (begins: { readonly subTask: string; readonly attempt: number }) => void;
}

/**
 * The chunks that callers of a run are shown, until there is a reply.
 *
 * @throws {StreamRestartedError} unless `onRestart` is given
 * @throws {DomainError} the error that the reply has, if it has one; `run-unknown`; `journal-unavailable`; `stopping`
 */
export async function* runChunks(
  app: Parts,
  runId: string,
  { onRestart }: ChunksOptions,
  readers: Readers,
): AsyncGenerator<JsonValue, void> {
  const journal = app.get(Journal, { strict: false });
  const runs = app.get(Runs, { strict: false });
  const hold = new StreamHold(() => runs.get(runId), runs.execution.clock);
  const messages = new StreamMessages();
  const waiting: RunEvent[] = [];
  let reply: ReplyMessage | undefined;
  /** Whether no chunk came since a restart. */
  let isVoid = false;
  let [at, heard, isBehind] = [0, 0, true];
  let news = Promise.withResolvers<undefined>();
  const wake = (): void => {
    news.resolve(undefined);
  };
  const unwatch = app.get(EventBus, { strict: false }).watch(runId, (event) => {
    heard = event.id;
    if (!isBehind && heard > at) waiting.push(event);
    if (waiting.length > HELD_FROM) hold.begin();
    if (waiting.length > MOST_WAITING) {
      waiting.length = 0;
      isBehind = true;
    }
    wake();
  });
  const read = async (): Promise<readonly RunEvent[]> => {
    const upTo = journal.lastEventId;
    const page = await readers.read(journal.events({ runId, after: at, limit: PAGE, types: STREAMED_TYPES }));
    isBehind = (page.next < upTo && page.next > at) || heard > page.next;
    at = page.next;
    return page.events;
  };
  readers.ended.addEventListener('abort', wake);
  try {
    for (;;) {
      news = Promise.withResolvers();
      const wasBehind = isBehind;
      const events = isBehind ? await read() : waiting.splice(0);
      for (const event of events) {
        at = Math.max(at, event.id);
        for (const message of messages.of(event)) {
          if (message.event === 'reply') {
            reply = message;
            if (isVoid) yield* chunksIn(app, reply);
          } else if (message.event === 'chunk') {
            isVoid = false;
            yield* message.chunks;
          } else if (onRestart) {
            isVoid = true;
            onRestart({ subTask: message.subTask, attempt: message.attempt });
          } else throw new StreamRestartedError(runId, message.subTask, message.attempt);
        }
      }
      if (isBehind || waiting.length > 0) continue;
      hold.release();
      if (messages.over) {
        if (reply) answerOf(runId, reply.task, reply.decision);
        return;
      }
      if (wasBehind || events.length > 0) continue;
      if (readers.ended.aborted) throw stoppedBefore(runId);
      await news.promise;
    }
  } finally {
    unwatch();
    hold.release();
    readers.ended.removeEventListener('abort', wake);
  }
}

/** The chunks of a reply whose stream was not shown, because it had ended before the shown stream broke off. Texts are joined. */
function chunksIn(app: Parts, { task, decision: { reply } }: ReplyMessage): readonly JsonValue[] {
  if ('error' in reply) return [];
  const { subTasks = [] } = app.get(TaskRegistry, { strict: false }).find(task) ?? {};
  if (!subTasks.some(({ name, stream }) => stream && name === reply.answeredBy)) return [];
  return [reply.result].flat();
}
