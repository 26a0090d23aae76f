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

/** The tables as the newest migration leaves them. Times are milliseconds since 1970 in UTC, except for columns of the type `Date`. */
export interface Schema
  extends NoteTables, TokenTables, WebhookTables, Pick<LogSchema, 'statistics' | 'counted_events'> {
  /** A row for each commit. A commit that is too large for one row has several. Each event is in one row only. */
  commits: {
    /** The id of its first event. It stays the same when retention deletes that event. */
    first: number;
    last: number;
    /** A JSON array with one event on each line. */
    events: string;
  };
  /** Unfinished runs. Deleting the row ends the run. */
  open_runs: {
    /** The id of its `run.started` event. */
    number: number;
    id: string;
    task: string;
    created_at: number;
    /** The client that started the run; null where no API key was needed. */
    client: string | null;
    /** The `X-Request-Id` and the trace id of the request that started the run. */
    request_id: string | null;
    trace_id: string | null;
    /** The node that executes the run; empty when that node has released it. */
    node: string;
    /** How many nodes in a row took the run over, each soon after the one before, and when the last one did. */
    takeovers: number;
    taken_at: Date | null;
    /** Whether no node takes the run over until an operator has looked into it, because several nodes died over it. */
    set_aside: boolean;
  };
  /** For unfinished runs, the commits that are further than `LATE_AFTER` from the run's number. */
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
    /** The `first` of each commit that has events of the run. */
    commits: number[];
    client: string | null;
    request_id: string | null;
    trace_id: string | null;
    /**
     * Details of the reply. Both are null when an older version ended the run; `answered_by` is also null for an error: see
     * `answeredByText`.
     */
    replied_at: number | null;
    answered_by: string | null;
  };
  /** A row for each label of a run, as `name:value`. */
  run_labels: {
    label: string;
    /** When the run was created. */
    labelled_at: number;
    /** The run's id. */
    run: string;
  };
  /** Erased runs: only the numbers and times of their events are left, until retention deletes them. */
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
    /** By the database's clock, the only one that all nodes share. */
    seen_at: Date;
    /** The last group that the node has committed, and its outcome. They replace an answer that got lost. */
    last_group: number;
    last_first_id: number | null;
    last_refused: number[] | null;
    /** How many more sub-tasks the node could take on. */
    free_slots: number;
    /** How many slots the node has in all, and its version; null for an older version, which doesn't report them. */
    slots: number | null;
    version: string | null;
    /** The tasks that the node knows, and their sub-tasks as `task/sub-task`. */
    tasks: string[];
    /** Whether an operator keeps the node from taking new work. */
    draining: boolean;
    /** How far the node's clock is ahead of the database's, and the age of its commit under way, in milliseconds. */
    skew_ms: number;
    lag_ms: number;
    /** Whether the node delivers a share of the webhooks. */
    delivers: boolean;
  };
  paused_tasks: {
    task: string;
    since: Date;
  };
  /** Sub-tasks that left the node of their run. Changing or deleting a row here decides which outcome is recorded. */
  placed: {
    run: number;
    sub_task: string;
    /** The current attempt: events of other attempts are fenced out. */
    attempt: number;
    /** The node that executes the sub-task; null while it is on its way. */
    node: string | null;
    /** How often a node took the sub-task on. */
    deliveries: number;
    /** Whether only nodes that take work may execute it. */
    worker: boolean;
    /** When the sub-task was due at another node. */
    due_at: Date;
  };
  waiting_runs: WaitingRun;
  requested_runs: RequestedRun;
  /** Commands of callers for runs, until the node that executes the run carries them out. */
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
    /** The oldest version of the code that can work with these tables. */
    minimum: number;
  };
  log_head: {
    only: boolean;
    /** The id of the last event. */
    last_id: number;
  };
}

/**
 * In order of their names; each runs once for all nodes, in a transaction of its own. Nodes of the version before go on working
 * meanwhile. So a migration only adds (expand). A later migration drops what has become needless, when no node uses it any more
 * (contract); only that one raises the minimum in `compatibility`. A migration that was released is never changed.
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
      // Nodes of the version before need this function, which only databases of that version have.
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
      // For nodes of the version before, the function that they know is kept.
      await createCommitGroup(db, 3);
    },
  },
  '0011-withdrawn-tokens': { up: createWithdrawnTokens },
  '0012-webhooks': { up: createWebhooks },
  '0013-notes': { up: createNotes },
};

/** The version of the tables that this code needs: how many migrations it knows. */
export const VERSION = Object.keys(migrations).length;
