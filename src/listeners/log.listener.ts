import { Injectable, Logger } from '@nestjs/common';
import type { RunEvent } from '../core/events.js';
import { OnRunEvent } from '../events/on-run-event.decorator.js';
import type { OriginFields } from '../core/run-origin.js';

const WHY = {
  'failed-attempt': 'an attempt of one before it has failed',
  failure: 'one before it has failed',
  need: 'the reply needs it',
} as const;

/** Writes what becomes of each sub-task and run to the log. */
@Injectable()
export class LogListener {
  private readonly logger = new Logger('Runs');

  @OnRunEvent('sub-task.started')
  started({ runId, subTask, attempt, data }: RunEvent<'sub-task.started'>, origin: OriginFields): void {
    if (data.trigger === undefined) return;
    const why = data.trigger === 'delay' ? `a hedge after ${String(data.delayMs)} ms` : WHY[data.trigger];
    this.logger.log({ msg: `${subTask} starts: ${why}`, runId, ...origin, subTask, attempt });
  }

  @OnRunEvent('sub-task.held-back')
  heldBack({ runId, subTask, data }: RunEvent<'sub-task.held-back'>, origin: OriginFields): void {
    const { delayMs, hedgeBudget } = data;
    this.logger.warn({
      msg: `${subTask} held back after ${String(delayMs)} ms: the hedge budget of ${String(hedgeBudget * 100)} % is spent`,
      runId,
      ...origin,
      subTask,
    });
  }

  @OnRunEvent('sub-task.succeeded')
  succeeded({ runId, subTask, attempt, data }: RunEvent<'sub-task.succeeded'>, origin: OriginFields): void {
    this.logger.log({
      msg: `${subTask} done`,
      runId,
      ...origin,
      subTask,
      attempt,
      durationMs: data.durationMs,
    });
  }

  @OnRunEvent('sub-task.failed')
  failed({ runId, subTask, attempt, data }: RunEvent<'sub-task.failed'>, origin: OriginFields): void {
    const { code, message } = data.error;
    this.logger.warn({
      msg: `${subTask} failed: ${message}`,
      runId,
      ...origin,
      subTask,
      attempt,
      code,
      durationMs: data.durationMs,
    });
  }

  @OnRunEvent('sub-task.retrying')
  retrying({ runId, subTask, attempt, data }: RunEvent<'sub-task.retrying'>, origin: OriginFields): void {
    const { error, delayMs } = data;
    this.logger.warn({
      msg: `${subTask} retries in ${String(delayMs)} ms: ${error.message}`,
      runId,
      ...origin,
      subTask,
      attempt,
      code: error.code,
    });
  }

  @OnRunEvent('sub-task.cancelled', 'sub-task.skipped')
  dropped(
    { type, runId, subTask, data }: RunEvent<'sub-task.cancelled' | 'sub-task.skipped'>,
    origin: OriginFields,
  ): void {
    const how = type === 'sub-task.cancelled' ? 'cancelled' : 'skipped';
    this.logger.log({ msg: `${subTask} ${how}: ${data.reason}`, runId, ...origin, subTask });
  }

  @OnRunEvent('run.finished')
  finished({ runId, task, data: { status } }: RunEvent<'run.finished'>, origin: OriginFields): void {
    if (status === 'failed' || status === 'partly-failed')
      this.logger.warn({ msg: `${task} ${status}`, runId, ...origin });
  }
}
