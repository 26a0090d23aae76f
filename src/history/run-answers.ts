import type { Request, Response } from 'express';
import type { RunRecord } from '../core/run-record.js';
import { requireMatch } from '../http/preconditions.js';
import type { Commanded } from '../tasks/commanded.js';
import { runView } from '../tasks/run-view.js';

/** The entity tag of a run, without `W/`. It changes with every event of the run, and with changes that have no event. */
export function tagOf({ lastEventId, status, subTasks }: Readonly<RunRecord>): string {
  const isDead = subTasks.some(({ deadLetter }) => deadLetter);
  return `"${lastEventId}${status === 'set-aside' ? '-set-aside' : ''}${isDead ? '-dead' : ''}"`;
}

/** Throws when a run is not as the caller expects it to be. */
export function expectedBy({ headers }: Request) {
  return (run: Readonly<RunRecord>): void => {
    requireMatch(headers, tagOf(run));
  };
}

/** 200 when it is done, 202 when it will be. */
export function commanded({ run, isDone, replayed }: Commanded, response: Response) {
  if (!isDone) response.status(202);
  if (replayed) response.setHeader('Idempotency-Replayed', 'true');
  return runView(run);
}
