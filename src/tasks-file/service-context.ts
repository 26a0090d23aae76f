import type { Condition } from '../core/condition.js';
import type { StreamOptions, SubTaskHandler } from '../core/sub-task.js';
import type { SubTaskDefinition } from '../core/task.js';
import type { WebhookMeans } from '../core/webhook-means.js';
import type { HttpRequestOptions } from '../upstreams/http-sub-task.schema.js';
import type { OriginSettings } from '../upstreams/upstreams.js';

/** The handler of a sub-task that calls an upstream. @see StreamOptions */
type HttpHandler = SubTaskHandler<unknown> & { readonly wins?: StreamOptions['wins'] };

/** The parts of a service that a file's tasks depend on. */
export interface ServiceContext {
  /** The other declaration of a task with this name, if there is one. */
  readonly declarationOf?: (task: string) => string | undefined;
  /** The sub-tasks that modules provide, by the names of their classes. Default: classes aren't checked. */
  readonly classes?: ReadonlyMap<string, readonly SubTaskDefinition[]>;
  /** Makes the handler of a request. Default: sub-tasks are only checked. */
  readonly handlerOf?: (request: HttpRequestOptions) => HttpHandler;
  /** Makes a function from the text of `when`. Default: conditions are only checked. */
  readonly conditionOf?: (text: string) => Condition['holds'];
  /** The service's means for webhooks. Default: only their environment variables are checked. */
  readonly webhookMeans?: WebhookMeans;
  /** Called with the settings of each origin. */
  readonly configure?: (origin: string, settings: OriginSettings) => void;
}
