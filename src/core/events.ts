import type { z } from 'zod';
import type { CallerHeaders } from './caller-headers.js';
import type { runEventSchema } from './event.schema.js';
import type { Frozen } from './json.js';
import { clientName } from './run-origin.js';
import type { WebhookTarget } from './webhook.schema.js';

/** A committed event. `id` is its number in the log; `time` an RFC 3339 text in UTC. */
export type RunEvent<T extends EventType = EventType> = Extract<AnyEvent, { readonly type: T }>;

type AnyEvent = Recorded<Frozen<z.infer<typeof runEventSchema>>>;

/** Adds the fields of `run.started` that are kept but that the API never shows. */
type Recorded<E> = E extends { readonly type: 'run.started'; readonly data: infer Data }
  ? Omit<E, 'data'> & {
      readonly data: Data & {
        readonly callerHeaders?: CallerHeaders;
        readonly webhooks?: readonly WebhookTarget[];
      };
    }
  : E;

export type EventType = AnyEvent['type'];

/** An event of a sub-task. */
export type SubTaskEvent = RunEvent<Extract<EventType, `sub-task.${string}`>>;

/** A transition to commit: an event without its number and time. */
export type NewEvent<T extends EventType = EventType> = Unstamped<RunEvent<T>>;

type Unstamped<E> = E extends unknown ? Omit<E, 'id' | 'time'> : never;

/** What an attempt's stream had brought when the attempt ended. */
export type StreamMeasures = NonNullable<RunEvent<'sub-task.succeeded'>['data']['stream']>;

/** The data of `sub-task.started`: why the sub-task starts later than its run. */
export type StartCause = RunEvent<'sub-task.started'>['data'];

function shownStart(data: RunEvent<'run.started'>['data']) {
  if (!data.callerHeaders && !data.webhooks) return data;
  const { callerHeaders: _, webhooks: __, ...shown } = data;
  return shown;
}

/** An event as the application's code gets it. It has no webhooks, because nobody may see their URLs and sealed secrets. */
export function withoutWebhooks(event: RunEvent): RunEvent {
  if (event.type !== 'run.started' || !event.data.webhooks) return event;
  const { webhooks: _, ...data } = event.data;
  return { ...event, data };
}

/** An event as the API shows it: its members in an order for people, without the fields that are never shown. */
export function eventView(event: RunEvent) {
  const { id, type, time, runId, task, client, labels } = event;
  const data = event.type === 'run.started' ? shownStart(event.data) : event.data;
  const about = {
    ...{ id, type, time, runId, task },
    ...(client !== undefined && { client: clientName(client) }),
    ...(labels && { labels }),
  };
  return 'subTask' in event
    ? { ...about, subTask: event.subTask, attempt: event.attempt, data }
    : { ...about, data };
}
