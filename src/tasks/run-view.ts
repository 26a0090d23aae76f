import { clientName } from '../core/run-origin.js';
import { webhookViews } from '../core/webhook-view.js';
import type { RunRecord } from '../core/run-record.js';
import type { StreamLead } from '../core/stream-lead.js';

/** A run as callers are shown it. */
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
      ({ retried: _, retryDelayMs: __, retryKeys: ___, traceparent: ____, ...subTask }) => ({
        ...subTask,
        ...(answeredBy.includes(subTask.name) && { answered: true }),
      }),
    ),
  };
}

function leadView({ subTask, attempt, broken }: StreamLead) {
  return { subTask, attempt, ...(broken && { broken: true as const }) };
}
