import { Logger } from '@nestjs/common';
import { Observable, throwError, timeout } from 'rxjs';
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
 * One attempt: calls the handler on subscription and brings what it returns. An attempt that is given up, by its
 * timeout or by its subscriber, has its signal aborted; whatever it brings afterwards is discarded.
 */
export function attempt(subTask: SubTaskDefinition, input: unknown, of: AttemptOf): Observable<unknown> {
  return new Observable((subscriber) => {
    const context = new AttemptContext(of, subTask.timeoutMs);
    let settled = false;
    new Promise((resolve) => {
      resolve(subTask.handler.run(input, context));
    }).then(
      (result) => {
        settled = true;
        subscriber.next(result);
        subscriber.complete();
      },
      (error: unknown) => {
        settled = true;
        subscriber.error(error);
      },
    );
    return () => {
      if (!settled) context.giveUp();
    };
  }).pipe(
    timeout({
      first: subTask.timeoutMs,
      with: () => throwError(() => new AttemptTimeout(subTask.timeoutMs)),
    }),
  );
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
