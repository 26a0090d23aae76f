import { Logger } from '@nestjs/common';
import { asyncScheduler, Observable, type Subscriber } from 'rxjs';
import { toJson, type JsonValue } from '../tasks/json.js';
import type { SubTaskContext, SubTaskLogger } from '../tasks/sub-task.js';
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
    const timeout = asyncScheduler.schedule(() => {
      context.giveUp();
      subscriber.error(new AttemptTimeout(timeoutMs));
    }, timeoutMs);
    return () => {
      timeout.unsubscribe();
      if (!settled) context.giveUp();
    };
  });
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

/** Makes an AbortController only when it is asked for: it costs as much as the rest of an attempt. */
class AttemptContext implements SubTaskContext {
  readonly runId: string;
  readonly attempt: number;
  readonly idempotencyKey: string;
  readonly #of: AttemptOf;
  readonly #deadlineMs: number;
  #controller: AbortController | undefined;
  #givenUp = false;

  constructor(of: AttemptOf, timeoutMs: number) {
    this.runId = of.runId;
    this.attempt = of.attempt;
    this.idempotencyKey = `${of.runId}/${of.subTask}`;
    this.#of = of;
    this.#deadlineMs = Date.now() + timeoutMs;
  }

  get deadline(): Date {
    return new Date(this.#deadlineMs);
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#givenUp) this.giveUp();
    return this.#controller.signal;
  }

  get logger(): SubTaskLogger {
    const line = (msg: string, fields?: object) => ({ ...fields, ...this.#of, msg });
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

  giveUp(): void {
    this.#givenUp = true;
    this.#controller?.abort(new DOMException('The attempt timed out or was cancelled', 'AbortError'));
  }
}
