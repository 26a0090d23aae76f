import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../config/config.js';
import type { RunEvent } from '../core/events.js';
import { levelOf, shows } from '../core/log-kinds.js';
import { loggerOf } from '../core/logger-of.js';
import type { OriginFields } from '../core/run-origin.js';
import { OnRunEvent } from '../events/on-run-event.decorator.js';

const WHY = {
  'failed-attempt': 'an attempt of one before it has failed',
  failure: 'one before it has failed',
  need: 'the reply needs it',
  exploration: 'little is known of it',
} as const;

/** Logs the events of runs and sub-tasks. It makes no lines below the log level. */
@Injectable()
export class LogListener {
  private readonly runs = loggerOf('run');
  private readonly subTasks = loggerOf('sub-task');
  private readonly showsRuns: boolean;
  private readonly showsSubTasks: boolean;

  constructor(@Inject(CONFIG) config: Pick<Config, 'LOG_LEVEL' | 'LOG_LEVELS'>) {
    this.showsRuns = shows(levelOf('run', config), 'info');
    this.showsSubTasks = shows(levelOf('sub-task', config), 'info');
  }

  @OnRunEvent('run.started')
  accepted({ runId, task }: RunEvent<'run.started'>, origin: OriginFields): void {
    if (this.showsRuns) this.runs.log({ msg: `${task} accepted`, runId, ...origin });
  }

  @OnRunEvent('run.replied')
  replied({ runId, task, data }: RunEvent<'run.replied'>, origin: OriginFields): void {
    const { reply, background, durationMs: replyMs } = data;
    const after = replyMs === undefined ? 'again' : `in ${Math.round(replyMs)} ms`;
    const goOn = background.length > 0 ? `; ${background.join(', ')} ${goes(background)} on` : '';
    if ('error' in reply) {
      const { code, message } = reply.error;
      const msg = `${task} replied ${after} with an error: ${message}${goOn}`;
      this.runs.warn({ msg, runId, ...origin, code, replyMs, background });
    } else if (this.showsRuns) {
      const { answeredBy } = reply;
      const winner = typeof answeredBy === 'string' ? answeredBy : answeredBy.join(', ');
      const msg = `${task} replied ${after}: ${winner || 'nobody'} won${goOn}`;
      this.runs.log({ msg, runId, ...origin, answeredBy, replyMs, background });
    }
  }

  @OnRunEvent('sub-task.started')
  started({ runId, subTask, attempt, data }: RunEvent<'sub-task.started'>, origin: OriginFields): void {
    if (data.trigger === undefined || !this.showsSubTasks) return;
    const why = data.trigger === 'delay' ? `a hedge after ${String(data.delayMs)} ms` : WHY[data.trigger];
    this.subTasks.log({ msg: `${subTask} starts: ${why}`, runId, ...origin, subTask, attempt });
  }

  @OnRunEvent('sub-task.held-back')
  heldBack({ runId, subTask, data }: RunEvent<'sub-task.held-back'>, origin: OriginFields): void {
    const { delayMs, hedgeBudget } = data;
    const msg = `${subTask} held back after ${String(delayMs)} ms: the hedge budget of ${String(hedgeBudget * 100)} % is spent`;
    this.subTasks.warn({ msg, runId, ...origin, subTask });
  }

  @OnRunEvent('sub-task.succeeded')
  succeeded({ runId, subTask, attempt, data }: RunEvent<'sub-task.succeeded'>, origin: OriginFields): void {
    if (!this.showsSubTasks) return;
    const { durationMs } = data;
    this.subTasks.log({ msg: `${subTask} done`, runId, ...origin, subTask, attempt, durationMs });
  }

  @OnRunEvent('sub-task.failed')
  failed({ runId, subTask, attempt, data }: RunEvent<'sub-task.failed'>, origin: OriginFields): void {
    const { error, durationMs } = data;
    const msg = `${subTask} failed: ${error.message}`;
    this.subTasks.warn({ msg, runId, ...origin, subTask, attempt, code: error.code, durationMs });
  }

  @OnRunEvent('sub-task.retrying')
  retrying({ runId, subTask, attempt, data }: RunEvent<'sub-task.retrying'>, origin: OriginFields): void {
    const { error, delayMs } = data;
    const msg = `${subTask} retries in ${String(delayMs)} ms: ${error.message}`;
    this.subTasks.warn({ msg, runId, ...origin, subTask, attempt, code: error.code });
  }

  @OnRunEvent('sub-task.cancelled', 'sub-task.skipped')
  dropped(
    { type, runId, subTask, data }: RunEvent<'sub-task.cancelled' | 'sub-task.skipped'>,
    origin: OriginFields,
  ): void {
    if (!this.showsSubTasks) return;
    const how = type === 'sub-task.cancelled' ? 'cancelled' : 'skipped';
    this.subTasks.log({ msg: `${subTask} ${how}: ${data.reason}`, runId, ...origin, subTask });
  }

  @OnRunEvent('run.finished')
  finished({ runId, task, data: { status } }: RunEvent<'run.finished'>, origin: OriginFields): void {
    if (status === 'failed' || status === 'partly-failed')
      this.runs.warn({ msg: `${task} ${status}`, runId, ...origin });
  }
}

function goes(names: readonly string[]): string {
  return names.length === 1 ? 'goes' : 'go';
}
