import type { AttemptReport } from '../core/webhook-event.js';
import type { WebhookTarget } from '../core/webhook.schema.js';

/** An event as it is sent to a webhook. */
export interface Message {
  /** The event's number in the log, as a text. Receivers de-duplicate by it. */
  readonly id: string;
  readonly type: string;
  /** RFC 3339. */
  readonly time: string;
  /** Undefined of a test. */
  readonly runId?: string;
  readonly task?: string;
  /** JSON of the event as the API shows it. */
  readonly body: string;
  /** The traceparent of the run. */
  readonly traceparent?: string | undefined;
}

/** A message that was not sent, or got no answer. */
export class UnsentError extends Error {
  override name = 'UnsentError';

  constructor(
    readonly code: NonNullable<AttemptReport['error']>,
    message: string,
  ) {
    super(message);
  }
}

/** The parts of a request that depend on the format. */
export interface Formatted {
  readonly body: string;
  /** Names and values in turn, as undici takes them. */
  readonly headers: string[];
}

/** Prefix of event types in CloudEvents. */
const TYPE_PREFIX = 'frontrunner.';

/** @param base the prefix of links, and of the source of CloudEvents */
export function formatted(message: Message, format: WebhookTarget['format'], base: string): Formatted {
  const { body, traceparent } = message;
  const trace = traceparent === undefined ? [] : ['traceparent', traceparent];
  if (format === 'cloudevents') {
    const envelope = JSON.stringify({ ...cloudEvent(message, base), datacontenttype: 'application/json' });
    return {
      body: `${envelope.slice(0, -1)},"data":${body}}`,
      headers: ['content-type', 'application/cloudevents+json; charset=utf-8', ...trace],
    };
  }
  const headers = ['content-type', 'application/json', ...trace];
  if (format === 'cloudevents-binary')
    for (const [name, value] of Object.entries(cloudEvent(message, base))) headers.push(`ce-${name}`, value);
  return { body, headers };
}

/**
 * The attributes of CloudEvents 1.0.2, without the data and its content type, and with the extension “Distributed Tracing”. Their values
 * are printable ASCII, so headers take them as they are.
 */
function cloudEvent({ id, type, time, runId, task, traceparent }: Message, base: string) {
  return {
    specversion: '1.0',
    id,
    source: task === undefined ? `${base}/webhooks` : `${base}/tasks/${encodeURIComponent(task)}`,
    type: TYPE_PREFIX + type,
    time,
    ...(runId !== undefined && { subject: runId }),
    ...(traceparent !== undefined && { traceparent }),
  };
}
