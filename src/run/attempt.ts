import { Logger } from '@nestjs/common';
import type { SubTaskContext, SubTaskLogger } from '../core/sub-task.js';
import type { SubTaskOwner } from './sub-task-owner.js';

const logger = new Logger('SubTask');

/**
 * What one attempt is given, and its timeout. An AbortController, a logger and a Date are made only when a sub-task asks for them:
 * each costs as much as the rest.
 */
export class Attempt implements SubTaskContext {
  readonly #deadlineMs: number;
  #timeout: NodeJS.Timeout | undefined;
  #controller: AbortController | undefined;
  #givenUp = false;

  /** @param attempt its number, from 1 */
  constructor(
    private readonly owner: SubTaskOwner,
    private readonly subTask: string,
    readonly attempt: number,
    readonly timeoutMs: number,
  ) {
    this.#deadlineMs = Date.now() + timeoutMs;
  }

  get runId(): string {
    return this.owner.id;
  }

  get idempotencyKey(): string {
    return `${this.owner.id}/${this.subTask}`;
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
    const { owner, subTask, attempt } = this;
    const line = (msg: string, fields?: object) => ({
      ...fields,
      runId: owner.id,
      task: owner.task,
      subTask,
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

  /** Called when its handler goes on: a result at the very instant of the timeout is still in time. */
  startTimeout(timedOut: (attempt: Attempt) => void): void {
    if (!this.#givenUp) this.#timeout = setTimeout(timedOut, this.timeoutMs, this);
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
