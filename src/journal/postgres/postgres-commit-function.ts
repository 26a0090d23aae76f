import { sql, type Kysely } from 'kysely';

/**
 * What commits a group, in one statement: whoever is cut off or halted in the middle of it holds no lock.
 *
 * 1. The node must still count as alive: a node that was taken for dead has no row, and commits nothing (`FR001`). A group
 *    that is there already, because its answer got lost, is answered as it was.
 * 2. Events of sub-tasks that left the node of their run are fenced: each must find the attempt that it tells of in `placed`,
 *    or it is refused. `guards` says how: 1 begins the next attempt, 2 goes on with it, 3 ends it, 4 ends it from
 *    outside, whoever executes it. 5 reopens a run, which only one node can.
 * 3. `log_head` numbers the events. Its lock is held until the commit, so the numbers are in the order of the commits: a reader
 *    that sees an event sees all before it, and none is ever missing.
 *
 * `numbers` are the runs' where they are known, else `begins` has the place in the group of the event that starts it. A
 * sub-task is placed unless the event at `placed_afters` was refused.
 *
 * `telling` says whether other nodes are told of it at once.
 *
 * What a group has nothing for isn't asked, for to ask costs as much as a row. How statements are executed is settled: with small
 * groups Postgres would plan the one that ends runs anew each time, and with large ones on young tables read all runs for it.
 */
export async function createCommitGroup(db: Kysely<unknown>): Promise<void> {
  await sql`
    CREATE FUNCTION frontrunner.commit_group_1(
      this_node text, this_group bigint,
      numbers bigint[], begins integer[], types text[], times bigint[], sub_tasks text[], attempts integer[],
      contents text[], guarded integer[], guards integer[],
      started integer[], started_ids text[], started_tasks text[],
      ended_numbers bigint[], ended_begins integer[], statuses text[], ended_times bigint[],
      placed_numbers bigint[], placed_begins integer[], placed_names text[], placed_attempts integer[],
      placed_workers boolean[], placed_afters integer[], placed_dues bigint[], telling boolean,
      OUT first_id bigint, OUT refused integer[])
    LANGUAGE plpgsql
    SET plan_cache_mode = force_generic_plan
    SET enable_hashjoin = off
    SET enable_mergejoin = off
    AS $$
    DECLARE
      kept integer;
      at integer;
    BEGIN
      UPDATE frontrunner.nodes SET seen_at = clock_timestamp(), last_group = this_group
        WHERE id = this_node AND last_group = this_group - 1;
      IF NOT FOUND THEN
        SELECT last_first_id, last_refused INTO first_id, refused
          FROM frontrunner.nodes WHERE id = this_node AND last_group = this_group;
        IF NOT FOUND THEN
          RAISE EXCEPTION 'the node was taken for dead' USING ERRCODE = 'FR001';
        END IF;
        RETURN;
      END IF;

      refused := '{}';
      FOR place IN 1 .. cardinality(guarded) LOOP
        at := guarded[place];
        CASE guards[place]
          WHEN 1 THEN
            UPDATE frontrunner.placed SET attempt = attempts[at]
              WHERE run = numbers[at] AND sub_task = sub_tasks[at] AND node = this_node AND attempt = attempts[at] - 1;
          WHEN 2 THEN
            UPDATE frontrunner.placed SET attempt = attempts[at]
              WHERE run = numbers[at] AND sub_task = sub_tasks[at] AND node = this_node AND attempt = attempts[at];
          WHEN 3 THEN
            DELETE FROM frontrunner.placed
              WHERE run = numbers[at] AND sub_task = sub_tasks[at] AND node = this_node AND attempt = attempts[at];
          WHEN 4 THEN
            DELETE FROM frontrunner.placed
              WHERE run = numbers[at] AND sub_task = sub_tasks[at] AND attempt = attempts[at];
          WHEN 5 THEN
            UPDATE frontrunner.runs SET status = 'running', finished_at = NULL, node = this_node
              WHERE number = numbers[at] AND finished_at IS NOT NULL;
        END CASE;
        IF NOT FOUND THEN
          refused := refused || at;
        END IF;
      END LOOP;

      kept := cardinality(types) - cardinality(refused);
      UPDATE frontrunner.log_head SET last_id = last_id + kept RETURNING last_id - kept + 1 INTO first_id;

      IF cardinality(started) > 0 THEN
        INSERT INTO frontrunner.runs (number, id, task, status, created_at, node)
          SELECT first_id - 1 + place - before, id, task, 'running', times[place], this_node
          FROM unnest(started, started_ids, started_tasks) AS a (place, id, task),
            LATERAL (SELECT count(*) FILTER (WHERE r < place) AS before FROM unnest(refused) AS r) AS b;
      END IF;

      INSERT INTO frontrunner.events (id, run, type, time, sub_task, attempt, data)
        SELECT first_id - 1 + place - CASE WHEN refused = '{}' THEN 0
            ELSE (SELECT count(*) FROM unnest(refused) AS r WHERE r < place) END,
          coalesce(number, first_id - 1 + begin - CASE WHEN refused = '{}' THEN 0
            ELSE (SELECT count(*) FROM unnest(refused) AS r WHERE r < begin) END),
          type, time, sub_task, attempt, data
        FROM unnest(numbers, begins, types, times, sub_tasks, attempts, contents) WITH ORDINALITY
          AS a (number, begin, type, time, sub_task, attempt, data, place)
        WHERE NOT place = ANY (refused);

      IF cardinality(statuses) > 0 THEN
        UPDATE frontrunner.runs SET status = a.status, finished_at = a.time, node = this_node
          FROM unnest(ended_numbers, ended_begins, statuses, ended_times) AS a (number, begin, status, time)
          WHERE runs.number = coalesce(a.number, first_id - 1 + a.begin
            - (SELECT count(*) FROM unnest(refused) AS r WHERE r < a.begin));
      END IF;

      IF cardinality(placed_names) > 0 THEN
        INSERT INTO frontrunner.placed (run, sub_task, attempt, worker, due_at)
          SELECT coalesce(number, first_id - 1 + begin
              - (SELECT count(*) FROM unnest(refused) AS r WHERE r < begin)), name, attempt, worker,
            coalesce(to_timestamp(due / 1000.0), clock_timestamp())
          FROM unnest(placed_numbers, placed_begins, placed_names, placed_attempts, placed_workers, placed_afters,
              placed_dues) AS a (number, begin, name, attempt, worker, after, due)
          WHERE NOT after = ANY (refused)
          ON CONFLICT (run, sub_task) DO UPDATE SET node = NULL, deliveries = 0, due_at = excluded.due_at
            WHERE placed.node = this_node AND placed.attempt = excluded.attempt;
      END IF;

      UPDATE frontrunner.nodes SET last_first_id = first_id, last_refused = refused WHERE id = this_node;
      IF telling AND EXISTS (SELECT FROM frontrunner.nodes WHERE id <> this_node) THEN
        PERFORM pg_notify('frontrunner', json_build_array('events', this_node, first_id + kept - 1)::text);
      END IF;
    END $$`.execute(db);
}
