export { TransactionError, type CallerTransaction } from './core/caller-transaction.js';
export {
  FrontrunnerModule,
  type FeatureOptions,
  type FrontrunnerAsyncOptions,
} from './library/frontrunner.module.js';
export {
  Frontrunner,
  type ChunkStream,
  type StartOptions,
  type StreamOptions,
} from './library/frontrunner.js';
export { RunHandle, WaitError, type RunView } from './library/run-handle.js';
export { StreamRestartedError, type ChunksOptions } from './library/run-chunks.js';
export type { EventsOptions } from './library/run-events.js';
export { OptionsError, type FrontrunnerOptions, type HttpOptions } from './library/options.js';
export { getFrontrunnerOptionsToken, getFrontrunnerToken, InjectFrontrunner } from './library/tokens.js';
export { Task, type LaterSubTask, type TaskOptions } from './tasks/task.js';
export { TaskOf, type ChunkOf, type InputOf, type ResultOf, type TypedTask } from './tasks/task-of.js';
export { SubTask } from './tasks/sub-task.js';
export type { BreakerOptions } from './core/breaker.js';
export type {
  RetryOptions,
  SubTaskContext,
  SubTaskHandler,
  SubTaskLogger,
  SubTaskOptions,
} from './core/sub-task.js';
export { OnRunEvent } from './events/on-run-event.decorator.js';
export { OnWebhookEvent } from './events/on-webhook-event.decorator.js';
export type { EventType, RunEvent } from './core/events.js';
export type { AttemptReport, WebhookEvent, WebhookEventKind } from './core/webhook-event.js';
export type { JsonValue } from './core/json.js';
export type { RunWebhook, TaskWebhook } from './core/webhook.schema.js';
export type { LosersPolicy, ReplyPolicy } from './core/policies.js';
export {
  DomainError as FrontrunnerError,
  type DomainErrorCode as FrontrunnerErrorCode,
} from './core/domain-error.js';
