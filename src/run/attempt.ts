import { Logger } from '@nestjs/common';
import { originFields, type RunOrigin } from '../core/run-origin.js';
import type { SubTaskContext, SubTaskLogger } from '../core/sub-task.js';

const logger = new Logger('SubTask');

/** Which attempt of which sub-task of which run. */
export interface AttemptOf {
  readonly runId: string;
  readonly task: string;
  readonly subTask: string;
  readonly attempt: number;
}

/** What one attempt is given, and its timeout. Makes an AbortController only when asked: it costs as much as the rest. */
export class Attempt implements SubTaskContext {
  readonly runId: string;
  readonly attempt: number;
  readonly idempotencyKey: string;
  readonly #of: AttemptOf;
  readonly #origin: RunOrigin;
  readonly #timeoutMs: number;
  readonly #deadlineMs: number;
  #timeout: NodeJS.Timeout | undefined;
  #controller: AbortController | undefined;
  #givenUp = false;

  constructor(of: AttemptOf, timeoutMs: number, origin: RunOrigin) {
    this.runId = of.runId;
    this.attempt = of.attempt;
    this.idempotencyKey = `${of.runId}/${of.subTask}`;
    this.#of = of;
    this.#origin = origin;
    this.#timeoutMs = timeoutMs;
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
    const line = (msg: string, fields?: object) => ({
      ...fields,
      ...this.#of,
      ...originFields(this.#origin),
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

  /** Called when its handler goes on: what it brings at the very instant of the timeout is still in time. */
  startTimeout(timedOut: (attempt: Attempt) => void): void {
    if (!this.#givenUp) this.#timeout = setTimeout(timedOut, this.#timeoutMs, this);
  }

  /** Called when its handler has settled: there is nothing to time out any more. */
  settled(): void {
    clearTimeout(this.#timeout);
  }

  /** Aborts its signal. */
  giveUp(): void {
    clearTimeout(this.#timeout);
    this.#givenUp = true;
    this.#controller?.abort(new DOMException('The attempt timed out or was cancelled', 'AbortError'));
  }
}
