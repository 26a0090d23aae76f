import { NO_HEADERS, type CallerHeaders } from '../core/caller-headers.js';
import type { Clock } from '../core/clock.js';
import type { JsonValue } from '../core/json.js';
import type { StreamMeasures } from '../core/events.js';
import type { StreamTerms } from '../core/task.js';
import type { SubTaskContext, SubTaskHandler, SubTaskLogger } from '../core/sub-task.js';
import { textOf } from '../core/thrown.js';
import { attemptTraceparent } from '../core/trace.js';
import { loggerOf } from '../core/logger-of.js';
import type { AttemptTrace, Traced } from '../tracing/attempt-trace.js';
import type { Passage } from './breakers.js';
import { AttemptTimeout } from './attempt-error.js';
import { Progress } from './progress.js';
import { StreamReading } from './stream-reading.js';
import { streamSource } from './stream-source.js';
import type { SubTaskOwner } from './sub-task-owner.js';

const logger = loggerOf('sub-task');

/** Why an attempt's signal is aborted, by the platform's names of such errors. */
type WhyGivenUp = 'AbortError' | 'TimeoutError';

const MESSAGES: Readonly<Record<WhyGivenUp, string>> = {
  AbortError: 'The attempt was cancelled',
  TimeoutError: 'The attempt timed out',
};

const NOTHING = Object.freeze({});

/** The sub-task that an attempt belongs to. It is told how the attempt ended. */
interface AttemptedSubTask {
  readonly name: string;
  progressed(attempt: Attempt, value: JsonValue): void;
  streamed(attempt: Attempt, first: number, chunks: readonly JsonValue[]): void;
  returned(attempt: Attempt, result: unknown): void;
  failed(attempt: Attempt, thrown: unknown): void;
}

/**
 * One attempt: the handler's context, the call, and the timeout. An AbortController, a logger and a Date are made only when a handler asks for them:
 * each costs as much as the rest.
 */
export class Attempt implements SubTaskContext, Traced {
  readonly #deadlineMs: number;
  #timeout: NodeJS.Timeout | undefined;
  #controller: AbortController | undefined;
  #progress: Progress | undefined;
  #traceparent: string | undefined;
  #givenUp: WhyGivenUp | undefined;
  tokens?: number | undefined;
  /** The attempt's stream, once there is one. */
  stream: StreamReading | undefined;

  /**
   * @param attempt its number, from 1
   * @param trace the attempt's span; undefined where there is none
   * @param passage undefined where the sub-task has no breaker
   */
  constructor(
    private readonly subTask: AttemptedSubTask,
    private readonly owner: SubTaskOwner,
    readonly attempt: number,
    readonly timeoutMs: number,
    readonly trace?: AttemptTrace,
    readonly passage?: Passage,
  ) {
    this.#deadlineMs = owner.execution.clock.now() + timeoutMs;
  }

  get #clock(): Clock {
    return this.owner.execution.clock;
  }

  get runId(): string {
    return this.owner.id;
  }

  get idempotencyKey(): string {
    return `${this.owner.id}/${this.subTask.name}`;
  }

  get traceparent(): string {
    if (this.trace) return this.trace.traceparent;
    const { id, terms } = this.owner;
    return (this.#traceparent ??= attemptTraceparent(id, terms.origin.traceparent));
  }

  get callerHeaders(): CallerHeaders {
    return this.owner.terms.callerHeaders ?? NO_HEADERS;
  }

  get deadline(): Date {
    return new Date(this.#deadlineMs);
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#givenUp) this.giveUp(this.#givenUp);
    return this.#controller.signal;
  }

  get progress(): (value: unknown) => void {
    return (value) => {
      if (this.#givenUp) return;
      this.#progress ??= new Progress(
        this.#clock,
        (recorded) => {
          this.subTask.progressed(this, recorded);
        },
        (error) => {
          this.logger.warn(`Its progress was not recorded: ${textOf(error)}`);
        },
      );
      this.#progress.report(value);
    };
  }

  get logger(): SubTaskLogger {
    const { owner, subTask, attempt } = this;
    const line = (msg: string, fields?: object) => ({
      ...fields,
      runId: owner.id,
      subTask: subTask.name,
      attempt,
      ...owner.originFields,
      msg,
    });
    return {
      log: (message, fields) => {
        logger.log(line(message, fields));
      },
      warn: (message, fields) => {
        logger.warn(line(message, fields));
      },
      error: (message, fields) => {
        logger.error(line(message, fields));
      },
    };
  }

  /**
   * Calls the handler, and tells the sub-task how the call ended.
   *
   * @param stream undefined where the handler returns a result and no stream
   */
  run(handler: SubTaskHandler<unknown>, stream?: StreamTerms): void {
    let returned: unknown;
    try {
      const input = this.owner.parsedInput;
      returned = this.trace ? this.trace.around(() => handler.run(input, this)) : handler.run(input, this);
    } catch (error) {
      // Not at once: sub-tasks that start with this one come first.
      queueMicrotask(() => {
        this.#rejected(error);
      });
      return;
    }
    const result = stream ? this.#read(returned, stream) : returned;
    Promise.resolve(result).then(
      (result) => {
        this.#clock.clearTimeout(this.#timeout);
        this.subTask.returned(this, result);
        this.#progress?.end();
      },
      (error: unknown) => {
        this.#rejected(error);
      },
    );
    // The timer starts after the call: a result at the very instant of the timeout is still in time.
    if (!this.#givenUp) this.#timeout = this.#clock.setTimeout(timeOut, this.timeoutMs, this);
  }

  /** Ends the attempt because it took too long. */
  timeOut(): void {
    this.flush();
    this.giveUp('TimeoutError');
    this.subTask.failed(this, new AttemptTimeout(this.timeoutMs));
  }

  /** The measures of its stream, for the event of the attempt's end. */
  get measures(): { readonly stream?: StreamMeasures } {
    return this.stream ? { stream: this.stream.measures(this.tokens) } : NOTHING;
  }

  /** Records the last progress, and the rest of the stream, before the attempt's end is recorded. */
  flush(): void {
    this.#progress?.flush();
    this.stream?.flush();
  }

  /** Stops recording progress and the stream, and aborts the signal. */
  giveUp(why: WhyGivenUp = 'AbortError'): void {
    this.#clock.clearTimeout(this.#timeout);
    this.#progress?.end();
    this.stream?.stop();
    this.#givenUp ??= why;
    this.#controller?.abort(new DOMException(MESSAGES[why], why));
  }

  /** Called when the stream has brought chunks. */
  streamed(first: number, chunks: readonly JsonValue[]): void {
    this.subTask.streamed(this, first, chunks);
  }

  async #read(returned: unknown, terms: StreamTerms): Promise<unknown> {
    const { subTask, owner } = this;
    this.stream = new StreamReading(terms, owner.execution, this, owner.placeOfStream(subTask.name));
    const result = await this.stream.read(Promise.resolve(returned).then(streamSource));
    return terms.checked(result);
  }

  #rejected(error: unknown): void {
    this.#clock.clearTimeout(this.#timeout);
    this.subTask.failed(this, error);
    this.#progress?.end();
    // The signal ends whatever else the handler has begun for its stream.
    if (this.stream) this.giveUp(this.stream.hasStalled ? 'TimeoutError' : 'AbortError');
  }
}

function timeOut(attempt: Attempt): void {
  attempt.timeOut();
}
