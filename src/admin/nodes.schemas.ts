import { z } from 'zod';
import { pageLimit } from '../http/paging.js';
import { EXAMPLE_RUN_ID } from '../core/run.js';

export const EXAMPLE_NODE_ID = '019abc5e-9a0e-7b5c-8c0e-1d2f3a4b5c6d';

/** How many dead letters a page has at most, and by default. */
export const MAX_LETTERS = 1_000;
const DEFAULT_LETTERS = 100;

/** How many keys of runs that wait are shown. */
export const BUSIEST_KEYS = 10;

const ms = z.number().nullable();

const nodeSchema = z.object({
  id: z.string().meta({ description: 'It takes another one when it was taken for dead.' }),
  self: z.literal(true).optional().meta({ description: 'There on the node that answers.' }),
  role: z.string().meta({ description: 'What it does: `ROLE`.' }),
  state: z.enum(['taking runs', 'draining']),
  startedAt: z.iso.datetime().meta({ description: 'When it started, or was last taken for dead.' }),
  version: z.string().nullable().meta({ description: 'Null of a version that doesn’t say it.' }),
  runs: z.int().meta({ description: 'The unfinished runs that it executes.' }),
  slots: z.object({ used: z.int(), limit: z.int() }).nullable().meta({
    description:
      'How many sub-tasks it executes at once, and may (`MAX_CONCURRENT_SUB_TASKS`). All are used while it takes no more for want of memory. Null of a version that doesn’t say it.',
  }),
  seenMs: z.int().meta({ description: 'How long ago its last heartbeat was, in milliseconds.' }),
  skewMs: z.number().meta({ description: 'How far its clock is ahead of the database’s.' }),
  lagMs: z.number().meta({ description: 'How long its commit under way had taken when it said so.' }),
});

const journalSchema = z
  .object({
    kind: z.enum(['memory', 'sqlite', 'postgres']),
    pendingEvents: z.int().meta({ description: 'How many events wait for their commit.' }),
    commitMs: z
      .object({ count: z.int(), p50: ms, p90: ms, p99: ms })
      .meta({ description: 'How long the last 512 commits took; null without any, and in memory.' }),
    fileBytes: z
      .int()
      .nullable()
      .meta({ description: 'The size of the SQLite database with its write-ahead log; else null.' }),
  })
  .meta({ description: 'The journal, as the node that answers sees it.' });

/** The answer of `GET /nodes`. */
export const nodesSchema = z
  .object({ nodes: z.array(nodeSchema).meta({ description: 'The oldest first.' }), journal: journalSchema })
  .meta({
    id: 'Nodes',
    examples: [
      {
        nodes: [
          {
            ...{ id: EXAMPLE_NODE_ID, self: true, role: 'all', state: 'taking runs' },
            ...{ startedAt: '2026-11-23T11:00:00.000Z', version: '0.2.0', runs: 12 },
            ...{ slots: { used: 12, limit: 20_000 }, seenMs: 240, skewMs: 3, lagMs: 0 },
          },
        ],
        journal: {
          kind: 'sqlite',
          pendingEvents: 0,
          commitMs: { count: 512, p50: 1.12, p90: 1.97, p99: 6.3 },
          fileBytes: 1_048_576,
        },
      },
    ],
  });

/** The answer of `GET /queue`. */
export const queueSchema = z
  .object({
    queued: z.int().meta({ description: 'How many runs wait for a slot on the node that answers.' }),
    keys: z
      .array(z.object({ key: z.string(), queued: z.int() }))
      .max(BUSIEST_KEYS)
      .meta({
        description:
          'The keys (`concurrencyKey` of tasks) of which most of these runs are, as JSON of their values: ten at most.',
      }),
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
        ...{ queued: 320, keys: [{ key: '["acme"]', queued: 312 }] },
        ...{ deliveries: 4, oldestDeliveryMs: 120, dead: 0, unfinished: 230, waiting: 0 },
        ...{ setAside: 0, commands: 0, commitLagMs: 2, paused: [], pausedQueues: ['worker-sub-tasks'] },
      },
    ],
  });

/** The filters of `GET /queue/dead-letters`. */
export const lettersQuerySchema = z.strictObject({
  limit: pageLimit(MAX_LETTERS, DEFAULT_LETTERS),
});

/** The answer of `GET /queue/dead-letters`. */
export const lettersSchema = z
  .object({
    deadLetters: z.array(
      z.object({
        runId: z.string(),
        task: z.string(),
        subTask: z
          .string()
          .nullable()
          .meta({ description: 'Null where the run as a whole waits for a node that knows its task.' }),
        since: z.iso.datetime(),
        deliveries: z.int().nullable().meta({
          description: 'How often a node took it on, or where none could, how often that was tried.',
        }),
        reason: z.string(),
        links: z.object({ run: z.string() }),
      }),
    ),
  })
  .meta({
    id: 'DeadLetters',
    examples: [
      {
        deadLetters: [
          {
            ...{ runId: EXAMPLE_RUN_ID, task: 'report', subTask: 'print', since: '2026-11-23T12:00:00.000Z' },
            ...{ deliveries: 20, reason: 'was under way in that many nodes that died' },
            links: { run: `/runs/${EXAMPLE_RUN_ID}` },
          },
        ],
      },
    ],
  });
