import { sql, type Kysely } from 'kysely';

/**
 * How many ids after a run's start its commits are searched for. Later commits are listed in `late_commits`. So a reader on another node
 * of a run that has been open for long reads no more of the log than this. These are ids and not times, because the clocks of nodes
 * differ.
 */
export const LATE_AFTER = 50_000;

/**
 * Commits a group in one statement, so that a node that is cut off or halted in the middle of it holds no lock.
 *
 * 1. The node must still count as alive. A node that was taken for dead has no row, and commits nothing (`FR001`). If the group is
 *    already committed, because the answer got lost, the same answer is given again.
 * 2. Events of sub-tasks that left the node of their run are fenced: each must find its attempt in `placed`, or it is refused.
 *    `guards` says how. 1 begins the next attempt, 2 continues it, 3 ends it, and 4 ends it from outside, on whichever node it is.
 *    5 reopens the run that `names` has, if the run still has the end that the node has read: the last of its commits must be the one
 *    in `attempts`. So only one node can reopen it. A cancellation that was asked for before that end is deleted.
 * 3. All other events must be of runs that this node has in `open_runs`. Events of other runs are refused.
 * 4. `log_head` numbers the events. Its lock is held until the commit, so the numbers are in the order of the commits: a reader
 *    that sees an event sees all events before it, and none is ever missing.
 *
 * `lines` is a row of `commits`, written with `guess` as the id of its first event. The guess is wrong when another node has committed
 * meanwhile. Then, and when events are refused, the lines get other ids. `rows` has the places of the events that begin a row.
 *
 * `numbers` has the numbers of the runs of events of the third kind, or 0 where this group starts the run. Where a run has no number yet,
 * `begins` has the place of the event that starts it. `ended_from` is the place in the group of the first event of a run that ends here.
 * `ended_commits` has the run's commits before this group. `late_commits` has the commits that the run had when it was reopened, which
 * the node that reopened it may not know. A sub-task is placed unless the event at `placed_afters` was refused. `telling` says whether
 * other nodes are told of the commit at once.
 *
 * Statements for which a group has nothing are skipped: executing one costs as much as a row. Settings fix the query plans: otherwise
 * Postgres would plan the statement that ends runs anew each time for small groups, and read all runs for large groups on young tables.
 */
export async function createCommitGroup(db: Kysely<unknown>, version: 2 | 3): Promise<void> {
  /** Parts that the function of the version before doesn't have: nodes of that version don't give these parameters. */
  const since3 = (text: string) => sql.raw(version === 3 ? text : '');
  const origin = since3(', request_id, trace_id');
  await sql`
    CREATE FUNCTION commit_group_${sql.raw(String(version))}(
      this_node text, this_group bigint,
      lines text, guess bigint, rows integer[], numbers bigint[],
      guarded integer[], guards integer[], guarded_runs bigint[], names text[], attempts bigint[],
      started integer[], started_ids text[], started_tasks text[], started_clients text[],
      ${since3('started_requests text[], started_traces text[],')} started_times bigint[],
      ended integer[], ended_numbers bigint[], ended_begins integer[], statuses text[], ended_times bigint[],
      ended_from integer[], ended_commits text[],
      ${since3('replied_times bigint[], winners text[],')}
      placed_numbers bigint[], placed_begins integer[], placed_names text[], placed_attempts integer[],
      placed_workers boolean[], placed_afters integer[], placed_dues bigint[], telling boolean,
      OUT first_id bigint, OUT refused integer[])
    LANGUAGE plpgsql
    SET plan_cache_mode = force_generic_plan
    SET enable_hashjoin = off
    SET enable_mergejoin = off
    SET enable_seqscan = off
    SET jit = off
    AS $$
    DECLARE
      kept integer;
      at integer;
      lost bigint[];
      firsts bigint[] := '{}';
    BEGIN
      UPDATE nodes SET seen_at = clock_timestamp(), last_group = this_group
        WHERE id = this_node AND last_group = this_group - 1;
      IF NOT FOUND THEN
        SELECT last_first_id, last_refused INTO first_id, refused
          FROM nodes WHERE id = this_node AND last_group = this_group;
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
            UPDATE placed SET attempt = attempts[place]
              WHERE run = guarded_runs[place] AND sub_task = names[place] AND node = this_node
                AND attempt = attempts[place] - 1;
          WHEN 2 THEN
            UPDATE placed SET attempt = attempts[place]
              WHERE run = guarded_runs[place] AND sub_task = names[place] AND node = this_node
                AND attempt = attempts[place];
          WHEN 3 THEN
            DELETE FROM placed
              WHERE run = guarded_runs[place] AND sub_task = names[place] AND node = this_node
                AND attempt = attempts[place];
          WHEN 4 THEN
            DELETE FROM placed
              WHERE run = guarded_runs[place] AND sub_task = names[place] AND attempt = attempts[place];
          WHEN 5 THEN
            WITH gone AS (
              DELETE FROM runs WHERE id = names[place] AND commits[cardinality(commits)] = attempts[place]
              RETURNING number, id, task, created_at, commits, client${origin}),
            cancelled AS (DELETE FROM commands USING gone WHERE run = number AND kind = 'cancel'),
            opened AS (
              INSERT INTO open_runs (number, id, task, created_at, node, client${origin})
              SELECT number, id, task, created_at, this_node, client${origin} FROM gone)
            INSERT INTO late_commits (run, first) SELECT number, unnest(commits) FROM gone;
        END CASE;
        IF NOT FOUND THEN
          refused := refused || at;
        END IF;
      END LOOP;

      lost := ARRAY(
        SELECT number FROM (SELECT DISTINCT number FROM unnest(numbers) AS a (number) WHERE number > 0) AS b
        WHERE NOT EXISTS (
          SELECT FROM open_runs WHERE open_runs.number = b.number AND node = this_node OFFSET 0));
      IF cardinality(lost) > 0 THEN
        refused := refused || ARRAY(
          SELECT place::integer FROM unnest(numbers) WITH ORDINALITY AS a (number, place) WHERE number = ANY (lost));
      END IF;

      kept := cardinality(numbers) - cardinality(refused);
      UPDATE log_head SET last_id = last_id + kept RETURNING last_id - kept + 1 INTO first_id;

      IF first_id = guess AND refused = '{}' AND cardinality(rows) = 1 AND kept > 0 THEN
        INSERT INTO commits (first, last, events) VALUES (first_id, first_id + kept - 1, lines);
        firsts := ARRAY[first_id];
      ELSIF kept > 0 THEN
        WITH inserted AS (
          INSERT INTO commits (first, last, events)
          SELECT min(id), max(id),
            '[' || string_agg('{"id":' || id || substr(line, strpos(line, ',')), E',\n' ORDER BY id) || ']'
          FROM (
            SELECT line, width_bucket(place::integer, rows) AS part,
              first_id - 1 + place - CASE WHEN refused = '{}' THEN 0
                ELSE (SELECT count(*) FROM unnest(refused) AS r WHERE r < place) END AS id
            FROM string_to_table(substr(lines, 2, length(lines) - 2), E',\n') WITH ORDINALITY AS a (line, place)
            WHERE NOT place = ANY (refused)) AS b
          GROUP BY part
          RETURNING first)
        SELECT array_agg(first ORDER BY first) INTO firsts FROM inserted;
      END IF;

      IF cardinality(started) > 0 THEN
        INSERT INTO open_runs (number, id, task, created_at, node, client${origin})
          SELECT first_id - 1 + place - CASE WHEN refused = '{}' THEN 0
              ELSE (SELECT count(*) FROM unnest(refused) AS r WHERE r < place) END, id, task, time, this_node, client${origin}
          FROM unnest(started, started_ids, started_tasks, started_clients${since3(', started_requests, started_traces')}, started_times)
            AS a (place, id, task, client${origin}, time);
      END IF;

      IF cardinality(ended) > 0 THEN
        WITH gone AS (
          DELETE FROM open_runs
          USING unnest(ended, ended_numbers, ended_begins, statuses, ended_times, ended_from, ended_commits${since3(', replied_times, winners')})
            AS a (place, ended_number, begin, status, time, from_place, before${since3(', replied, winner')})
          WHERE number = coalesce(ended_number, first_id - 1 + begin
              - (SELECT count(*) FROM unnest(refused) AS r WHERE r < begin))
            AND node = this_node AND NOT place = ANY (refused)
          RETURNING number, id, task, created_at, client${origin}, status, time, place, from_place, before${since3(', replied, winner')}),
        forgotten AS (DELETE FROM late_commits USING gone WHERE run = number)
        INSERT INTO runs (number, id, task, client, status, created_at, finished_at${origin}${since3(', replied_at, answered_by')}, commits)
          SELECT number, id, task, client, status, created_at, time${origin}${since3(', replied, winner')}, CASE
            WHEN EXISTS (SELECT FROM late_commits WHERE run = number OFFSET 0) THEN ARRAY(
              SELECT unnest(known) UNION SELECT first FROM late_commits WHERE run = number ORDER BY 1)
            ELSE known END
          FROM gone, LATERAL (SELECT before::bigint[] || CASE
            WHEN cardinality(firsts) = 1 THEN firsts
            ELSE ARRAY(
              SELECT f FROM unnest(firsts) AS f
              WHERE f < first_id + place - (SELECT count(*) FROM unnest(refused) AS r WHERE r < place) AND f >= (
                SELECT coalesce(max(g), 0) FROM unnest(firsts) AS g
                WHERE g < first_id + from_place - (SELECT count(*) FROM unnest(refused) AS r WHERE r < from_place))) END
            AS known) AS a;
      END IF;

      IF (SELECT min(number) FROM unnest(numbers || guarded_runs) AS a (number) WHERE number > 0)
          < firsts[cardinality(firsts)] - ${sql.raw(String(LATE_AFTER))} THEN
        INSERT INTO late_commits (run, first)
          SELECT number, f
          FROM (SELECT DISTINCT number FROM unnest(numbers || guarded_runs) AS a (number)
              WHERE number > 0 AND number < firsts[cardinality(firsts)] - ${sql.raw(String(LATE_AFTER))}) AS b,
            unnest(firsts) AS f
          WHERE EXISTS (SELECT FROM open_runs WHERE open_runs.number = b.number OFFSET 0)
          ON CONFLICT DO NOTHING;
      END IF;

      IF cardinality(placed_names) > 0 THEN
        INSERT INTO placed (run, sub_task, attempt, worker, due_at)
          SELECT coalesce(number, first_id - 1 + begin
              - (SELECT count(*) FROM unnest(refused) AS r WHERE r < begin)), name, attempt, worker,
            coalesce(to_timestamp(due / 1000.0), clock_timestamp())
          FROM unnest(placed_numbers, placed_begins, placed_names, placed_attempts, placed_workers, placed_afters,
              placed_dues) AS a (number, begin, name, attempt, worker, after, due)
          WHERE NOT after = ANY (refused) AND NOT coalesce(number, 0) = ANY (lost)
          ON CONFLICT (run, sub_task) DO UPDATE SET node = NULL, deliveries = 0, due_at = excluded.due_at
            WHERE placed.node = this_node AND placed.attempt = excluded.attempt;
      END IF;

      UPDATE nodes SET last_first_id = first_id, last_refused = refused WHERE id = this_node;
      IF telling AND EXISTS (SELECT FROM nodes WHERE id <> this_node) THEN
        PERFORM pg_notify(current_schema(), json_build_array('events', this_node, first_id + kept - 1)::text);
      END IF;
    END $$`.execute(db);
}
