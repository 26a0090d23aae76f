import { sql } from 'kysely';
import type { Migration } from 'kysely/migration';
import { addErasedRuns, addLabels } from './label-tables.js';
import type { LogSchema } from '../log-schema.js';
import {
  addSetAside,
  createOperationTables,
  createPausedQueues,
  createRequestedRuns,
  type RequestedRun,
  type WaitingRun,
} from './operation-tables.js';
import {
  addClients,
  addRepliesAndOrigins,
  createIdempotencyKeys,
  createLog,
  createNodes,
  createPlaced,
  createRuns,
  createStatistics,
} from './log-tables.js';
import { createCommitGroup } from './postgres-commit-function.js';
import { createViews } from './postgres-views.js';
import { createNotes, type NoteTables } from './postgres-notes.js';
import { createTokenSecret, createWithdrawnTokens, type TokenTables } from './postgres-tokens.js';
import { createWebhooks, type WebhookTables } from './webhook-tables.js';

/** The tables as the newest migration leaves them. Times are milliseconds since 1970 in UTC but for `seen_at` and `due_at`. */
export interface Schema
  extends NoteTables, TokenTables, WebhookTables, Pick<LogSchema, 'statistics' | 'counted_events'> {
  /** One row for each commit, or several for one with more than fits into one. No two have an event in common. */
  commits: {
    /** The id of its first event, also when retention has deleted that. */
    first: number;
    last: number;
    /** A JSON array with an event a line. */
    events: string;
  };
  /** The runs that are unfinished. Who deletes the row ends the run. */
  open_runs: {
    /** The id of its `run.started` event. */
    number: number;
    id: string;
    task: string;
    created_at: number;
    /** Who started it; null where nobody needed a key. */
    client: string | null;
    /** The `X-Request-Id` and the trace id that it came with. */
    request_id: string | null;
    trace_id: string | null;
    /** The node that executes it; empty when that has let it go. */
    node: string;
    /** How many nodes in a row have taken it over, each soon after the one before, and when the last one did. */
    takeovers: number;
    taken_at: Date | null;
    /** Whether no node takes it over before somebody has looked into it: several died over it. */
    set_aside: boolean;
  };
  /** Of unfinished runs, the commits that are too far behind the run's number to be looked for: see `LATE_AFTER`. */
  late_commits: {
    run: number;
    first: number;
  };
  /** The runs that are finished. */
  runs: {
    number: number;
    id: string;
    task: string;
    status: string;
    created_at: number;
    finished_at: number;
    /** The `first` of each commit that has events of it. */
    commits: number[];
    client: string | null;
    request_id: string | null;
    trace_id: string | null;
    /** Of its reply; null where an older version has ended it, and `answered_by` where it is an error: see `answeredByText`. */
    replied_at: number | null;
    answered_by: string | null;
  };
  /** A row for each label of a run, as `name:value`. */
  run_labels: {
    label: string;
    /** When the run was created. */
    labelled_at: number;
    /** Its id. */
    run: string;
  };
  /** Runs of which no more than the numbers and times of their events are left. Retention deletes those. */
  erased_runs: {
    id: string;
    finished_at: number;
    commits: number[];
  };
  idempotency_keys: LogSchema['idempotency_keys'] & {
    run_id: string;
    /** The node that starts the run. */
    node: string;
  };
  nodes: {
    id: string;
    role: string;
    /** By the clock of the database, the only one that all nodes share. */
    seen_at: Date;
    /** The last group that it has committed, and what became of that: how an answer that got lost is known. */
    last_group: number;
    last_first_id: number | null;
    last_refused: number[] | null;
    /** How many sub-tasks it could take on. */
    free_slots: number;
    /** How many it has in all, and its version; null where an older version hasn’t said so. */
    slots: number | null;
    version: string | null;
    /** The tasks that it knows, and their sub-tasks as `task/sub-task`. */
    tasks: string[];
    /** Whether an operator lets it take nothing new. */
    draining: boolean;
    /** How far its machine's clock is ahead of the database's, and how long its commit under way has taken, in milliseconds. */
    skew_ms: number;
    lag_ms: number;
    /** Whether it takes its share of webhooks. */
    delivers: boolean;
  };
  paused_tasks: {
    task: string;
    since: Date;
  };
  /** The sub-tasks that left the node of their run. Whoever changes one of these rows decides what is recorded. */
  placed: {
    run: number;
    sub_task: string;
    /** The attempt that counts: what others report is fenced out. */
    attempt: number;
    /** The node that executes it; null while it is on its way. */
    node: string | null;
    /** How often a node took it on. */
    deliveries: number;
    /** Whether only nodes that take work may take it. */
    worker: boolean;
    /** When it was to be with a node that takes it on. */
    due_at: Date;
  };
  waiting_runs: WaitingRun;
  requested_runs: RequestedRun;
  /** What callers asked of a run through a node that doesn't follow it. */
  commands: {
    id: number;
    run: number;
    run_id: string;
    kind: string;
    sub_task: string | null;
    key: string | null;
  };
  compatibility: {
    only: boolean;
    /** The oldest version of the tables' users that may run on them. */
    minimum: number;
  };
  log_head: {
    only: boolean;
    /** The id of the last event. */
    last_id: number;
  };
}

/**
 * In order of their names, each in a transaction of its own, once for all nodes. Nodes of the version before go on meanwhile: a
 * migration adds (expand), and what it makes needless is dropped by a later one, when no node uses it any more (contract);
 * only that one raises the minimum in `compatibility`. One that was released is never changed.
 */
export const migrations: Readonly<Record<string, Migration>> = {
  '0001-commits': {
    async up(db) {
      await createLog(db);
      await createRuns(db);
      await createViews(db);
      await createNodes(db);
      await createPlaced(db);
      await createIdempotencyKeys(db);
      await createStatistics(db);
    },
  },
  '0002-clients': {
    async up(db) {
      await addClients(db);
      await createCommitGroup(db, 2);
      // Nodes of the version before commit by a function that only databases of that version have.
      await sql`
        UPDATE compatibility SET minimum = 2
        WHERE to_regproc('commit_group_1') IS NULL`.execute(db);
    },
  },
  '0003-operations': { up: createOperationTables },
  '0004-set-aside': { up: addSetAside },
  '0005-labels': { up: addLabels },
  '0006-erased-runs': { up: addErasedRuns },
  '0007-token-secret': { up: createTokenSecret },
  '0008-paused-queues': { up: createPausedQueues },
  '0009-requested-runs': { up: createRequestedRuns },
  '0010-replies-and-origins': {
    async up(db) {
      await addRepliesAndOrigins(db);
      // Nodes of the version before commit by the one that they know.
      await createCommitGroup(db, 3);
    },
  },
  '0011-withdrawn-tokens': { up: createWithdrawnTokens },
  '0012-webhooks': { up: createWebhooks },
  '0013-notes': { up: createNotes },
};

/** The version of the tables' users that this code is: how many migrations it knows. */
export const VERSION = Object.keys(migrations).length;
