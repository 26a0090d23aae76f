import { Logger } from '@nestjs/common';
import { Observable, throwError, timeout, type Subscriber } from 'rxjs';
import { toJson, type JsonValue } from '../tasks/json.js';
import type { SubTaskContext } from '../tasks/sub-task.js';
import type { SubTaskDefinition } from '../tasks/task.js';
import { AttemptTimeout } from './attempt-error.js';

const logger = new Logger('SubTask');

/** Which attempt of which sub-task of which run. */
export interface AttemptOf {
  readonly runId: string;
  readonly task: string;
  readonly subTask: string;
  readonly attempt: number;
}

/**
 * The attempts of a sub-task, one a subscription: begins it, calls the handler, and brings what it returns as JSON.
 * An attempt that is given up, by its timeout or by its subscriber, has its signal aborted; whatever it brings
 * afterwards is discarded.
 *
 * @param begin called first; says which attempt it is
 */
export function attempts(
  { handler, timeoutMs }: SubTaskDefinition,
  input: unknown,
  maxResultBytes: number,
  begin: () => AttemptOf,
): Observable<JsonValue> {
  return new Observable<JsonValue>((subscriber) => {
    const context = new AttemptContext(begin(), timeoutMs);
    let settled = false;
    Promise.try(() => handler.run(input, context)).then(
      (result) => {
        settled = true;
        succeed(subscriber, result, maxResultBytes);
      },
      (error: unknown) => {
        settled = true;
        subscriber.error(error);
      },
    );
    return () => {
      if (!settled) context.giveUp();
    };
  }).pipe(timeout({ first: timeoutMs, with: () => throwError(() => new AttemptTimeout(timeoutMs)) }));
}

function succeed(subscriber: Subscriber<JsonValue>, result: unknown, maxResultBytes: number): void {
  let value: JsonValue;
  try {
    value = toJson(result, maxResultBytes);
  } catch (error) {
    subscriber.error(error);
    return;
  }
  subscriber.next(value);
  subscriber.complete();
}

/** Makes what few handlers ask for only when it is asked for: an AbortController costs as much as an attempt. */
class AttemptContext implements SubTaskContext {
  private readonly startedAt = Date.now();
  private controller: AbortController | undefined;
  private givenUp = false;

  constructor(
    private readonly of: AttemptOf,
    private readonly timeoutMs: number,
  ) {}

  get attempt(): number {
    return this.of.attempt;
  }

  get runId(): string {
    return this.of.runId;
  }

  get idempotencyKey(): string {
    return `${this.of.runId}/${this.of.subTask}`;
  }

  get deadline(): Date {
    return new Date(this.startedAt + this.timeoutMs);
  }

  get signal(): AbortSignal {
    if (!this.controller) {
      this.controller = new AbortController();
      if (this.givenUp) this.abort(this.controller);
    }
    return this.controller.signal;
  }

  get logger(): SubTaskContext['logger'] {
    const line = (message: unknown) => ({ msg: String(message), ...this.of });
    return {
      log: (message) => {
        logger.log(line(message));
      },
      warn: (message) => {
        logger.warn(line(message));
      },
      error: (message) => {
        logger.error(line(message));
      },
    };
  }

  giveUp(): void {
    this.givenUp = true;
    if (this.controller) this.abort(this.controller);
  }

  private abort(controller: AbortController): void {
    controller.abort(new DOMException('The attempt timed out or was cancelled', 'AbortError'));
  }
}
