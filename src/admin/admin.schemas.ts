import { z } from 'zod';
import { CANCELLED, RETRIED } from '../cluster/operator-terms.js';
import { durationSchema, milliseconds } from '../core/duration.js';

export const EXAMPLE_NODE_ID = '019abc5e-9a0e-7b5c-8c0e-1d2f3a4b5c6d';

const NODE = { id: EXAMPLE_NODE_ID, role: 'all', state: 'taking runs', runs: 12, freeSlots: 19_988 };

export const nodesSchema = z
  .object({
    nodes: z.array(
      z.object({
        id: z.string(),
        role: z.string(),
        state: z.enum(['taking runs', 'draining']),
        runs: z.int().meta({ description: 'The unfinished runs that it executes.' }),
        freeSlots: z.int(),
        seenMs: z.int().meta({ description: 'How long ago it was seen, in milliseconds.' }),
        skewMs: z.number().meta({ description: 'How far its clock is ahead of the database’s.' }),
        lagMs: z.number().meta({ description: 'How long its commit under way had taken when it said so.' }),
      }),
    ),
  })
  .meta({ id: 'Nodes', examples: [{ nodes: [{ ...NODE, seenMs: 240, skewMs: 3, lagMs: 0 }] }] });

export const queueSchema = z
  .object({
    deliveries: z.int().meta({ description: 'How many sub-tasks are due and wait for a node.' }),
    oldestDeliveryMs: z.number().meta({ description: 'How long the oldest of them has been due.' }),
    dead: z.int().meta({ description: 'How many sub-tasks wait in the dead-letter queue.' }),
    unfinished: z.int().meta({ description: 'How many runs are unfinished.' }),
    waiting: z.int().meta({ description: 'Of those, how many wait for a node that knows their task.' }),
    setAside: z.int().meta({ description: 'Of those, how many are set aside.' }),
    commands: z.int().meta({ description: 'How many cancels and retries are still to be done.' }),
    commitLagMs: z
      .number()
      .meta({ description: 'The longest time that a commit of a node has taken so far.' }),
    paused: z.array(z.string()).meta({ description: 'The paused tasks.' }),
    pausedQueues: z.array(z.string()),
  })
  .meta({
    id: 'Queue',
    examples: [
      {
        ...{ deliveries: 4, oldestDeliveryMs: 120, dead: 0, unfinished: 230, waiting: 0, setAside: 0 },
        ...{ commands: 0, commitLagMs: 2, paused: [], pausedQueues: ['worker-sub-tasks'] },
      },
    ],
  });

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
