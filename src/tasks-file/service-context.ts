import type { Condition } from '../core/condition.js';
import type { StreamOptions, SubTaskHandler } from '../core/sub-task.js';
import type { SubTaskDefinition } from '../core/task.js';
import type { WebhookMeans } from '../core/webhook-means.js';
import type { HttpRequestOptions } from '../upstreams/http-sub-task.schema.js';
import type { OriginSettings } from '../upstreams/upstreams.js';

/** What calls an upstream. @see StreamOptions */
type HttpHandler = SubTaskHandler<unknown> & { readonly wins?: StreamOptions['wins'] };

/** What is known of the service that the tasks of a file are to be part of. */
export interface ServiceContext {
  /** What declares the task of a name already. */
  readonly declarationOf?: (task: string) => string | undefined;
  /** The sub-tasks that modules provide, by the names of their classes. Without, nothing is said of classes. */
  readonly classes?: ReadonlyMap<string, readonly SubTaskDefinition[]>;
  /** Without, sub-tasks are only checked. */
  readonly handlerOf?: (request: HttpRequestOptions) => HttpHandler;
  /** Makes a function of what `when` says. Without, conditions are only checked. */
  readonly conditionOf?: (text: string) => Condition['holds'];
  /** What the service has for webhooks. Without, only what they take of the environment is checked. */
  readonly webhookMeans?: WebhookMeans;
  /** Takes what the file says of an origin. */
  readonly configure?: (origin: string, settings: OriginSettings) => void;
}
