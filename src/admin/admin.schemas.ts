import { z } from 'zod';
import { CANCELLED, RETRIED } from '../cluster/operator-terms.js';
import { durationSchema, milliseconds } from '../core/duration.js';
import { EXAMPLE_RUN_ID } from '../core/run.js';
import { MAX_LETTERS } from './nodes.schemas.js';

const task = z.string().meta({ description: 'Runs of this task.', examples: ['demo'] });
const olderThan = durationSchema
  .transform(milliseconds)
  .meta({ description: 'Runs that were created so long ago, or longer.', examples: ['1h'] });
const node = z
  .string()
  .meta({ description: 'Runs that this node executes. For nodes that share a Postgres.' });

const isBounded = (filter: object): boolean => Object.keys(filter).length > 0;
const UNBOUNDED = { error: 'must have one member at least: all runs at once are too many' };

export const cancelFilterSchema = z
  .strictObject({ task, olderThan, node, status: z.enum(CANCELLED) })
  .partial()
  .refine(isBounded, UNBOUNDED)
  .meta({ id: 'CancelFilter' });

export const retryFilterSchema = z
  .strictObject({ task, olderThan, status: z.enum(RETRIED) })
  .partial()
  .refine(isBounded, UNBOUNDED)
  .meta({ id: 'RetryFilter' });

export const countSchema = z
  .object({ runs: z.int().meta({ description: 'How many runs it was asked for.' }) })
  .meta({ id: 'RunsAsked', examples: [{ runs: 12 }] });

export const redriveFilterSchema = z
  .strictObject({
    runs: z
      .array(z.string())
      .min(1)
      .max(MAX_LETTERS)
      .meta({ description: 'What waits of these runs.', examples: [[EXAMPLE_RUN_ID]] }),
    all: z.literal(true).meta({ description: 'All that waits.' }),
  })
  .partial()
  .refine(({ runs, all }) => (runs === undefined) === (all === true), {
    error: 'must have runs or all, and not both',
  })
  .meta({ id: 'RedriveFilter' });

export const redrivenSchema = z
  .object({ redriven: z.int().meta({ description: 'How many were sent on their way.' }) })
  .meta({ id: 'Redriven', examples: [{ redriven: 2 }] });
