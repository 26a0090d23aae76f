import { sql, type Kysely } from 'kysely';

/** Number of the lock that keeps deliveries of a run from being recorded while the run is erased. */
export const ERASURES = 2;

export interface WebhookTables {
  webhooks: {
    id: string;
    terms: string;
    client: string | null;
    created_at: number;
    revision: number;
    paused: string | null;
    paused_at: number | null;
    cursor: number;
    cursor_at: number;
    /** The node that delivers the webhook. A node without a row in `nodes` no longer does. */
    node: string | null;
  };
  webhook_deliveries: {
    webhook: string;
    event: number;
    target: number;
    run_id: string;
    task: string;
    type: string;
    state: string;
    attempts: number;
    due_at: number | null;
    changed_at: number;
    report: string | null;
    body: string | null;
    terms: string | null;
    /** Whether the delivery waits, but not behind an earlier one of its run and target. */
    is_first: boolean;
  };
}

export async function createWebhooks(db: Kysely<unknown>): Promise<void> {
  await sql`
    CREATE TABLE webhooks (
      id text COLLATE "C" PRIMARY KEY,
      terms text NOT NULL,
      client text COLLATE "C",
      created_at bigint NOT NULL,
      revision integer NOT NULL,
      paused text,
      paused_at bigint,
      cursor bigint NOT NULL,
      cursor_at bigint NOT NULL,
      node text COLLATE "C") WITH (fillfactor = 50)`.execute(db);
  // Nodes with `delivers` share the webhooks among them. Nodes of the version before don't deliver.
  await sql`ALTER TABLE nodes ADD COLUMN delivers boolean NOT NULL DEFAULT false`.execute(db);
  await createDeliveries(db);
  await createPutDelivery(db);
  await createSettleWebhook(db);
  await createChangeDeadDeliveries(db);
}

async function createDeliveries(db: Kysely<unknown>): Promise<void> {
  await sql`
    CREATE TABLE webhook_deliveries (
      webhook text COLLATE "C" NOT NULL REFERENCES webhooks ON DELETE CASCADE,
      event bigint NOT NULL,
      target integer NOT NULL,
      run_id text COLLATE "C" NOT NULL,
      task text COLLATE "C" NOT NULL,
      type text COLLATE "C" NOT NULL,
      state text COLLATE "C" NOT NULL,
      attempts integer NOT NULL,
      due_at bigint,
      changed_at bigint NOT NULL,
      report text,
      body text,
      terms text,
      is_first boolean NOT NULL,
      PRIMARY KEY (webhook, event, target))`.execute(db);
  await sql`
    CREATE INDEX deliveries_of_state ON webhook_deliveries (webhook, state, event, target)`.execute(db);
  await sql`
    CREATE INDEX deliveries_of_run ON webhook_deliveries (run_id, webhook, state, target, event)`.execute(db);
  await sql`
    CREATE INDEX deliveries_by_due ON webhook_deliveries (webhook, (coalesce(due_at, changed_at)), event)
    WHERE is_first`.execute(db);
  await sql`
    CREATE INDEX dead_deliveries ON webhook_deliveries (changed_at) WHERE state = 'dead'`.execute(db);
}

/** Adds a delivery, or replaces its row. The caller must have locked the row of the webhook. */
async function createPutDelivery(db: Kysely<unknown>): Promise<void> {
  await sql`
    CREATE FUNCTION put_delivery_1(d webhook_deliveries) RETURNS void LANGUAGE plpgsql
    SET plan_cache_mode = force_generic_plan
    AS $$
    DECLARE
      other record;
    BEGIN
      SELECT event, is_first INTO other FROM webhook_deliveries
        WHERE run_id = d.run_id AND webhook = d.webhook AND state = 'waiting' AND target = d.target AND event <> d.event
        ORDER BY event LIMIT 1;
      d.is_first := d.state = 'waiting' AND (other.event IS NULL OR d.event < other.event);
      IF other.is_first = d.is_first THEN
        UPDATE webhook_deliveries SET is_first = NOT d.is_first
          WHERE webhook = d.webhook AND event = other.event AND target = d.target;
      END IF;
      INSERT INTO webhook_deliveries VALUES (d.*)
        ON CONFLICT (webhook, event, target) DO UPDATE SET state = d.state, attempts = d.attempts, due_at = d.due_at,
          changed_at = d.changed_at, report = d.report, body = d.body, terms = d.terms, is_first = d.is_first;
    END $$`.execute(db);
}

/**
 * Records the progress of a webhook if the node still holds it. The webhook's row names the holder, and stays locked until the commit.
 * The commit waits for the disk, and for standbys, only if it has deliveries that are still to be made, or were given up: the node forgets
 * these, and the cursor of its next settlement is behind them. A crash of the server may undo others, and the node's work is then done again.
 */
async function createSettleWebhook(db: Kysely<unknown>): Promise<void> {
  await sql`
    CREATE FUNCTION settle_webhook_1(
      this_node text, this_id text, new_cursor bigint, new_cursor_at bigint, new_pause text, most_delivered integer,
      events bigint[], targets integer[], run_ids text[], tasks text[], types text[], states text[], attempts integer[],
      dues bigint[], changes bigint[], reports text[], bodies text[], targets_terms text[]) RETURNS boolean LANGUAGE plpgsql
    SET plan_cache_mode = force_generic_plan
    AS $$
    DECLARE
      d webhook_deliveries;
    BEGIN
      IF NOT states && ARRAY['waiting', 'dead'] THEN
        PERFORM set_config('synchronous_commit', 'off', true);
      END IF;
      PERFORM pg_advisory_xact_lock_shared(hashtext(current_schema()), ${sql.lit(ERASURES)});
      UPDATE webhooks SET cursor = new_cursor, cursor_at = new_cursor_at
        WHERE id = this_id AND node = this_node AND EXISTS (SELECT FROM nodes WHERE nodes.id = this_node);
      IF NOT FOUND THEN
        RETURN false;
      END IF;
      FOR d IN
        SELECT this_id, event, target, run_id, task, type, state, attempt, due_at, changed_at, report, body, terms, false
        FROM unnest(events, targets, run_ids, tasks, types, states, attempts, dues, changes, reports, bodies, targets_terms)
          WITH ORDINALITY
          AS a (event, target, run_id, task, type, state, attempt, due_at, changed_at, report, body, terms, place)
        WHERE NOT EXISTS (SELECT FROM erased_runs WHERE erased_runs.id = a.run_id)
        ORDER BY place
      LOOP
        PERFORM put_delivery_1(d);
      END LOOP;
      IF most_delivered IS NOT NULL THEN
        DELETE FROM webhook_deliveries WHERE webhook = this_id AND state = 'delivered' AND event < (
          SELECT event FROM webhook_deliveries WHERE webhook = this_id AND state = 'delivered'
          ORDER BY event DESC OFFSET most_delivered - 1 LIMIT 1);
      END IF;
      IF new_pause IS NOT NULL THEN
        UPDATE webhooks SET paused = new_pause, revision = revision + 1,
            paused_at = extract(epoch FROM clock_timestamp()) * 1000
          WHERE id = this_id AND paused IS NULL;
        IF FOUND THEN
          PERFORM pg_notify(current_schema(), '["webhooks", ""]');
        END IF;
      END IF;
      RETURN true;
    END $$`.execute(db);
}

/**
 * Changes dead deliveries back to waiting, or deletes them if `new_due` is null. Returns how many. Looks at one after the other: while
 * the table grows, Postgres doesn't know how many are dead, and could read all dead ones for each.
 */
async function createChangeDeadDeliveries(db: Kysely<unknown>): Promise<void> {
  await sql`
    CREATE FUNCTION change_dead_deliveries_1(webhook_ids text[], events bigint[], targets integer[], new_due bigint)
    RETURNS integer LANGUAGE plpgsql
    SET plan_cache_mode = force_generic_plan
    AS $$
    DECLARE
      d webhook_deliveries;
      changed integer := 0;
    BEGIN
      PERFORM pg_advisory_xact_lock_shared(hashtext(current_schema()), ${sql.lit(ERASURES)});
      PERFORM FROM webhooks WHERE id = ANY (webhook_ids) ORDER BY id FOR NO KEY UPDATE;
      FOR place IN 1 .. cardinality(events) LOOP
        SELECT * INTO d FROM webhook_deliveries
          WHERE webhook = webhook_ids[place] AND event = events[place] AND target = targets[place] FOR UPDATE;
        CONTINUE WHEN d.state IS DISTINCT FROM 'dead';
        changed := changed + 1;
        IF new_due IS NULL THEN
          DELETE FROM webhook_deliveries WHERE webhook = d.webhook AND event = d.event AND target = d.target;
        ELSE
          d.state := 'waiting';
          d.attempts := 0;
          d.due_at := new_due;
          PERFORM put_delivery_1(d);
        END IF;
      END LOOP;
      RETURN changed;
    END $$`.execute(db);
}
