import { z } from 'zod';
import type { Frozen, JsonValue } from './json.js';

export const EXAMPLE_RUN_ID = '019a2b3c-4d5e-7f60-8a9b-0c1d2e3f4a5b';

/** The reason of sub-tasks that were skipped or cancelled because there was a reply. */
export const NOT_NEEDED = 'not needed after the reply';

/** The reason of sub-tasks that were skipped or cancelled because the deadline of their run had come. */
export const PAST_DEADLINE = 'unfinished at the deadline of the run';

/** Why a sub-task that has not started is skipped: the failure of another sub-task was final. */
export const NOT_WORTH_IT = 'another sub-task failed for good, and this one would fare no better';

/** Why a sub-task is skipped: its `when` is false for the input. */
export const WHEN_FALSE = 'when is false';

/** Why a shadow is skipped: the run is not in the shadow's sample. */
export const NOT_SAMPLED = 'not sampled';

/** Why a shadow is skipped or cancelled: it would have to wait for a slot. */
export const NO_FREE_SLOT = 'no slot was free';

export const jsonValueSchema: z.ZodType<JsonValue> = z.any().meta({ description: 'Any JSON value.' });

export const RUN_STATUSES = [
  'running',
  'succeeded',
  'partly-failed',
  'failed',
  'cancelled',
  'set-aside',
] as const;

export const runStatusSchema = z.enum(RUN_STATUSES).meta({
  id: 'RunStatus',
  description:
    '`running`; `succeeded` (answered, and no sub-task failed); `partly-failed` (answered, but a sub-task failed); `failed` (the reply policy can’t be met any more, or was not met by a deadline); `cancelled` (cancelled before there was a reply); `set-aside` (unfinished, and not resumed any more, because several starts or nodes in a row died after they had resumed it).',
});

export type RunStatus = z.infer<typeof runStatusSchema>;

export const subTaskStatusSchema = z.enum([
  'pending',
  'running',
  'retrying',
  'succeeded',
  'failed',
  'cancelled',
  'skipped',
]);

export type SubTaskStatus = z.infer<typeof subTaskStatusSchema>;

export const startTriggerSchema = z.enum(['delay', 'failed-attempt', 'failure', 'need', 'exploration']).meta({
  id: 'StartTrigger',
  description:
    'Why a sub-task that didn’t start with its run has started: its time had come (`delay`: a hedge), an attempt of one before it had failed (`failed-attempt`), one before it had failed (`failure`), without it the reply policy couldn’t be met (`need`), or little was known of it (`exploration`: with the run, where `order` is `learned`).',
});

export type StartTrigger = z.infer<typeof startTriggerSchema>;

/**
 * `upstream-…`: how a call of an upstream failed; see `src/upstreams`. `task-unknown`, `input-unfit`: the service's code
 * changed, so a run that began before the change can't go on. `when-failed`: the condition of the sub-task threw, or took too long.
 */
export const ATTEMPT_ERROR_CODES = [
  'threw',
  'timeout',
  'result-not-json',
  'result-too-large',
  'result-unfit',
  'result-unstorable',
  'stream-empty',
  'stream-stalled',
  'upstream-unreachable',
  'upstream-status',
  'upstream-unfit',
  'upstream-forbidden',
  'task-unknown',
  'input-unfit',
  'input-not-kept',
  'circuit-open',
  'when-failed',
] as const;

const upstreamSchema = z
  .object({ status: z.int(), excerpt: z.string().meta({ description: 'The beginning of its body.' }) })
  .exactOptional()
  .meta({ description: 'What the upstream answered, where that is what went wrong.' });

const finalSchema = z.literal(true).exactOptional().meta({
  description: 'Set where no other sub-task would fare better: then none starts any more.',
});

const retryAtSchema = z.iso.datetime().exactOptional().meta({
  description:
    'Of `circuit-open`: when its breaker lets an attempt probe the upstream. Not there while one does.',
});

/** Why an attempt failed. `code` is stable; `message` is for people. No stack trace: that stays in the log. */
export const attemptErrorSchema = z.object({
  code: z.enum(ATTEMPT_ERROR_CODES),
  message: z.string(),
  upstream: upstreamSchema,
  final: finalSchema,
  retryAt: retryAtSchema,
});

export type AttemptError = Frozen<z.infer<typeof attemptErrorSchema>>;

/** Why a sub-task never begins. A text is the reason of its skip, an error is that of its failure. */
export type Obstacle = string | AttemptError;

/** What an upstream answered: its status, and the beginning of its body. */
export type UpstreamAnswer = NonNullable<AttemptError['upstream']>;

/** Why a sub-task brought no success, as the caller of a failed run is told. */
export const failureSchema = z.object({
  subTask: z.string(),
  code: z.enum([...ATTEMPT_ERROR_CODES, 'cancelled', 'skipped']),
  message: z.string(),
  upstream: upstreamSchema,
  final: finalSchema,
  retryAt: retryAtSchema,
});

export type Failure = Frozen<z.infer<typeof failureSchema>>;

export const answeredBySchema = z.union([z.string(), z.array(z.string())]).meta({
  description:
    'The sub-task whose result is in the reply; under `quorum`, `all`, `deadline` and `agreement` a list of them.',
});

export const missingSchema = z.array(z.string()).exactOptional().meta({
  description:
    'The sub-tasks that had brought no result when a deadline made the reply; not there where there are none.',
});

const campSchema = z.object({
  subTasks: z.array(z.string()),
  value: jsonValueSchema.exactOptional().meta({
    description: 'What they agree on; not there where the result has nothing to compare.',
  }),
});

export type Camp = Frozen<z.infer<typeof campSchema>>;

export const campsSchema = z.array(campSchema).exactOptional().meta({
  description: 'The sub-tasks that succeeded, by their results, the largest camp first; there in a dispute.',
});

/**
 * What the caller of a run is told. `answeredBy` names the winner; under `quorum`, `all`, `deadline` and `agreement` it lists the winners in
 * the order in which they finished. `result` is the winner's result. Under `quorum`, `all` and `deadline` it is an object with the results by
 * sub-task name, and under `agreement` the first winner's result. In an error, `failures` lists the outcomes because of which the run can't meet
 * its policy any more, or didn't in time.
 */
export const replySchema = z.union([
  z.object({ answeredBy: answeredBySchema, result: jsonValueSchema, missing: missingSchema }),
  z.object({
    error: z.object({
      code: z.enum(['run-failed', 'run-cancelled', 'deadline-exceeded', 'run-disputed']),
      message: z.string(),
      failures: z.array(failureSchema),
      missing: missingSchema,
      camps: campsSchema,
    }),
  }),
]);

export type Reply = Frozen<z.infer<typeof replySchema>>;

/** A reply, and how things stood when it was decided. */
export interface Decision {
  readonly reply: Reply;
  readonly status: Exclude<RunStatus, 'set-aside'>;
  /** The sub-tasks that were still unfinished. */
  readonly background: readonly string[];
}

/** How a sub-task ended. */
export type Outcome =
  | { readonly subTask: string; readonly status: 'succeeded'; readonly result: JsonValue }
  | { readonly subTask: string; readonly status: 'failed'; readonly error: AttemptError }
  | { readonly subTask: string; readonly status: 'cancelled' | 'skipped'; readonly reason: string };

/** The status of a run whose sub-tasks have all ended. */
export function runStatus(
  reply: Reply,
  outcomes: readonly Outcome[],
): Exclude<RunStatus, 'running' | 'set-aside'> {
  if ('error' in reply) return reply.error.code === 'run-cancelled' ? 'cancelled' : 'failed';
  return outcomes.some(({ status }) => status === 'failed') ? 'partly-failed' : 'succeeded';
}
