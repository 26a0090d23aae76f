import { sql, type Kysely } from 'kysely';

/**
 * Creates views of runs, events, attempts and sub-tasks for people who look into the database. The service doesn't read them. An event is
 * a line. Its data is cut off before the rest is parsed, because JSON may contain characters that Postgres can't hold as text.
 */
export async function createViews(db: Kysely<unknown>): Promise<void> {
  await sql`
    CREATE OR REPLACE VIEW runs_and_open AS
    SELECT number, id, task, status, created_at, finished_at, NULL AS node FROM runs
    UNION ALL
    SELECT number, id, task, 'running', created_at, NULL, node FROM open_runs`.execute(db);
  await sql`
    CREATE OR REPLACE VIEW events AS
    SELECT (head ->> 'id')::bigint AS id,
      coalesce(
        (SELECT number FROM runs WHERE runs.id = head ->> 'runId'),
        (SELECT number FROM open_runs WHERE open_runs.id = head ->> 'runId')) AS run,
      head ->> 'runId' AS run_id, head ->> 'task' AS task, head ->> 'type' AS type,
      (extract(epoch FROM (head ->> 'time')::timestamptz) * 1000)::bigint AS time,
      head ->> 'subTask' AS sub_task, (head ->> 'attempt')::integer AS attempt,
      substr(line, data_at + 8, length(line) - data_at - 8) AS data
    FROM commits,
      string_to_table(substr(events, 2, length(events) - 2), E',\n') AS line,
      strpos(line, ',"data":{') AS data_at,
      LATERAL (SELECT (left(line, data_at - 1) || '}')::json AS head OFFSET 0) AS heads`.execute(db);
  await sql`
    CREATE OR REPLACE VIEW attempts AS
    SELECT run_id, task, sub_task, attempt,
      min(time) FILTER (WHERE type = 'sub-task.started') AS started_at,
      max(time) FILTER (WHERE type NOT IN ('sub-task.started', 'sub-task.progressed', 'sub-task.streamed')) AS ended_at,
      coalesce(max(substr(type, 10)) FILTER (WHERE type NOT IN ('sub-task.started', 'sub-task.progressed', 'sub-task.streamed')), 'unfinished') AS outcome,
      max(data::json #>> '{error,message}') AS error
    FROM events
    WHERE attempt > 0
    GROUP BY run_id, task, sub_task, attempt`.execute(db);
  await sql`
    CREATE OR REPLACE VIEW sub_tasks AS
    SELECT DISTINCT ON (run_id, sub_task) run_id, task, sub_task, attempt AS attempts,
      CASE WHEN type IN ('sub-task.held-back', 'sub-task.started', 'sub-task.progressed', 'sub-task.streamed', 'sub-task.retrying') THEN 'unfinished'
        ELSE substr(type, 10) END AS outcome,
      id AS last_event, data::json -> 'result' AS result
    FROM events
    WHERE sub_task IS NOT NULL
    ORDER BY run_id, sub_task, id DESC`.execute(db);
}
