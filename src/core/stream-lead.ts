import type { RunEvent } from './events.js';
import type { ReplyPolicy } from './policies.js';

/** Whose stream the callers of a run are shown. */
export interface StreamLead {
  readonly subTask: string;
  readonly attempt: number;
  /** Whether that stream has broken off, so that another may lead. */
  readonly broken: boolean;
}

/** What of a run's terms says who may lead. */
export interface LeadTerms {
  readonly replyPolicy: ReplyPolicy;
  readonly onBreak?: 'restart' | undefined;
  readonly shadows?: readonly string[] | undefined;
}

/** Whether the stream of a sub-task may be shown: none of a shadow is, and under the other policies no single result is the reply. */
export function mayLead({ replyPolicy: policy, shadows }: LeadTerms, subTask: string): boolean {
  if (shadows?.includes(subTask)) return false;
  if (policy.policy === 'primary') return policy.primary === subTask;
  return policy.policy === 'first-success' || policy.policy === 'first-settled';
}

/** What ends a stream before its end. */
const BREAKS: ReadonlySet<string> = new Set(['sub-task.retrying', 'sub-task.failed', 'sub-task.cancelled']);

/**
 * Who leads after an event: the attempt whose chunks are first on record, until its sub-task begins anew, after a crash or on request, or, where
 * another may take its place, breaks off. What is committed
 * alone decides, so that every reader of the log, and whoever resumes the run, comes to the same.
 *
 * @param lead who led before; undefined where nobody has
 */
export function leadAfter(
  lead: StreamLead | undefined,
  terms: LeadTerms,
  event: RunEvent,
): StreamLead | undefined {
  if (event.type === 'sub-task.streamed') {
    if ((lead && !lead.broken) || event.data.first > 0 || !mayLead(terms, event.subTask)) return lead;
    return { subTask: event.subTask, attempt: event.attempt, broken: false };
  }
  if (!lead || lead.broken || !('subTask' in event) || event.subTask !== lead.subTask) return lead;
  const begins = event.type === 'sub-task.started';
  const mayRestart = terms.onBreak === 'restart' && BREAKS.has(event.type);
  return begins || mayRestart ? { ...lead, broken: true } : lead;
}
