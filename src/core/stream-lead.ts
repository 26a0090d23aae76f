import type { RunEvent } from './events.js';
import type { ReplyPolicy } from './policies.js';

/** The leader of a run: the attempt whose stream callers are shown. */
export interface StreamLead {
  readonly subTask: string;
  readonly attempt: number;
  /** Whether the leader's stream has broken off, so that another attempt may lead. */
  readonly broken: boolean;
}

/** The terms of a run that say which sub-tasks may lead. */
export interface LeadTerms {
  readonly replyPolicy: ReplyPolicy;
  readonly onBreak?: 'restart' | undefined;
  readonly shadows?: readonly string[] | undefined;
}

/** Whether callers may be shown the stream of a sub-task: not of a shadow, and only under policies whose reply is a single result. */
export function mayLead({ replyPolicy: policy, shadows }: LeadTerms, subTask: string): boolean {
  if (shadows?.includes(subTask)) return false;
  if (policy.policy === 'primary') return policy.primary === subTask;
  return policy.policy === 'first-success' || policy.policy === 'first-settled';
}

/** Events that cut a stream off before its end. */
const BREAKS: ReadonlySet<string> = new Set(['sub-task.retrying', 'sub-task.failed', 'sub-task.cancelled']);

/**
 * The leader after an event. The attempt whose chunks are recorded first leads. Its lead is broken when its sub-task starts again, after a crash or
 * on request, and where `onBreak` is `restart`, also when its stream breaks off. Committed events alone decide this. So every reader of the log,
 * and a node that resumes the run, finds the same leader.
 *
 * @param lead the leader before the event; undefined where there was none
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
