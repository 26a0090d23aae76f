import type { RunEvent } from './events.js';
import type { ReplyPolicy } from './policies.js';

/** Whose stream the callers of a run are shown. */
export interface StreamLead {
  readonly subTask: string;
  readonly attempt: number;
  /** Whether that stream has broken off, so that another may lead. */
  readonly broken: boolean;
}

/** Whether the stream of a sub-task may be shown: under the other policies no single result is the reply. */
export function mayLead(policy: ReplyPolicy, subTask: string): boolean {
  if (policy.policy === 'primary') return policy.primary === subTask;
  return policy.policy === 'first-success' || policy.policy === 'first-settled';
}

/**
 * Who leads after an event: the attempt whose chunks are first on record, until it breaks off or, after a crash, begins anew. What is committed
 * alone decides, so that every reader of the log, and whoever resumes the run, comes to the same.
 *
 * @param lead who led before; undefined where nobody has
 */
export function leadAfter(
  lead: StreamLead | undefined,
  policy: ReplyPolicy,
  event: RunEvent,
): StreamLead | undefined {
  if (event.type === 'sub-task.streamed') {
    if ((lead && !lead.broken) || event.data.first > 0 || !mayLead(policy, event.subTask)) return lead;
    return { subTask: event.subTask, attempt: event.attempt, broken: false };
  }
  if (!lead || lead.broken || !('subTask' in event) || event.subTask !== lead.subTask) return lead;
  switch (event.type) {
    case 'sub-task.started':
    case 'sub-task.retrying':
    case 'sub-task.failed':
    case 'sub-task.cancelled':
      return { ...lead, broken: true };
    default:
      return lead;
  }
}
