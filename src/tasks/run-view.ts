import { clientName } from '../core/run-origin.js';
import { webhookViews } from '../core/webhook-view.js';
import type { RunRecord } from '../core/run-record.js';
import type { StreamLead } from '../core/stream-lead.js';

/** A run as the API shows it. */
export function runView(run: Readonly<RunRecord>) {
  const reply = run.decision?.reply ?? null;
  const answeredBy = reply && 'answeredBy' in reply ? [reply.answeredBy].flat() : [];
  return {
    id: run.id,
    task: run.task,
    status: run.status,
    input: run.input,
    replyPolicy: run.replyPolicy,
    losers: run.losers,
    ...(run.labels && { labels: run.labels }),
    ...(run.deadline !== undefined && { deadline: run.deadline }),
    ...(run.webhooks && { webhooks: webhookViews(run.webhooks) }),
    reply,
    ...(run.lead && { lead: leadView(run.lead) }),
    createdAt: run.createdAt,
    repliedAt: run.repliedAt,
    finishedAt: run.finishedAt,
    lastEventId: run.lastEventId,
    requestId: run.requestId,
    traceparent: run.traceparent,
    ...(run.clientId !== null && { client: clientName(run.clientId) }),
    subTasks: run.subTasks.map(
      ({ retries: _, retryDelayMs: __, retryKeys: ___, traceparent: ____, ...subTask }) => ({
        ...subTask,
        ...(answeredBy.includes(subTask.name) && { answered: true }),
        ...(run.shadows?.includes(subTask.name) && { shadow: true }),
      }),
    ),
  };
}

/**
 * A run as the API shows it to a caller who shares the run with others. A caller who may see only its own runs doesn't see these
 * parts of another client's run: the client, the input, the ids of the request, and the sub-tasks.
 *
 * @param onlyClient see `RequestContext`
 */
export function viewFor(onlyClient: string | undefined, run: Readonly<RunRecord>) {
  const view = runView(run);
  if (onlyClient === undefined || run.clientId === onlyClient) return view;
  const { client: _, ...shared } = view;
  return { ...shared, input: null, requestId: null, traceparent: null, subTasks: [] };
}

function leadView({ subTask, attempt, broken }: StreamLead) {
  return { subTask, attempt, ...(broken && { broken: true as const }) };
}
