/** Ends an open run. Its parameters are `status, finished_at, commits, number`. */
export const FINISH = `
  INSERT INTO runs (number, id, task, created_at, client, status, finished_at, commits)
  SELECT number, id, task, created_at, client, ?, ?, ? FROM open_runs WHERE number = ?`;

/** Opens a run that has ended. Its parameter is `number`. */
export const REOPEN = `
  INSERT INTO open_runs (number, id, task, created_at, client)
  SELECT number, id, task, created_at, client FROM runs WHERE number = ?`;

/** When the newest run before a time was created. Its parameters are the least id of that time, and the time. */
export const NEWEST_RUN = `
  SELECT max(created_at) AS createdAt FROM (
    SELECT * FROM (SELECT created_at FROM runs WHERE id < ? ORDER BY id DESC LIMIT 1)
    UNION ALL
    SELECT * FROM (SELECT created_at FROM open_runs WHERE created_at < ? ORDER BY created_at DESC LIMIT 1))
  HAVING createdAt IS NOT NULL`;
