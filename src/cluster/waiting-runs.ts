import ms from 'ms';
import { sql } from 'kysely';
import { loggerOf } from '../core/logger-of.js';
import type { PostgresJournal } from '../journal/postgres/postgres-journal.js';

/** How many go to the dead letters at a time. */
const PAGE = 100;

/**
 * Orphaned runs whose task no live node knows. A newer version of the service may know it, or another service that shares the database.
 * The runs wait for such a node, and after a while become dead letters.
 */
export class WaitingRuns {
  private readonly logger = loggerOf('node');

  /** @param graceMs how long they wait, in milliseconds */
  constructor(
    private readonly journal: PostgresJournal,
    private readonly graceMs: number,
  ) {}

  /** Finds runs that have begun to wait, and runs that have waited for too long, and logs them. */
  async look(): Promise<void> {
    for (const { task, count } of await this.mark())
      this.logger.warn(
        `${count} unfinished runs of the task ${task} wait for a node that knows it: start one, or cancel them; after ${ms(this.graceMs)} (UNKNOWN_TASK_GRACE) they go to the dead letters`,
      );
    for (const { id: runId, task } of await this.bury())
      this.logger.error({
        msg: `No node has known the task ${task}, or all sub-tasks of the run, for ${ms(this.graceMs)}: the run waits among the dead letters; frontrunner queue redrive lets it wait for such a node again, and it can be cancelled`,
        runId,
        task,
      });
  }

  private async mark(): Promise<readonly { readonly task: string; readonly count: number }[]> {
    const { rows } = await sql<{ task: string; count: number }>`
      WITH begun AS (
        INSERT INTO waiting_runs (run)
        SELECT number FROM open_runs
        WHERE NOT EXISTS (SELECT FROM nodes WHERE nodes.id = open_runs.node)
          AND NOT EXISTS (SELECT FROM nodes WHERE open_runs.task = ANY (nodes.tasks))
        ON CONFLICT DO NOTHING RETURNING run)
      SELECT task, count(*)::integer AS count FROM begun JOIN open_runs ON number = run
      GROUP BY task ORDER BY task`.execute(this.journal.store.db);
    return rows;
  }

  private async bury(): Promise<readonly { readonly id: string; readonly task: string }[]> {
    const { rows } = await sql<{ id: string; task: string }>`
      UPDATE waiting_runs SET dead = true
      FROM open_runs
      WHERE number = run AND run IN (
        SELECT run FROM waiting_runs
        WHERE NOT dead AND since < clock_timestamp() - ${this.graceMs} * interval '1 ms'
        LIMIT ${PAGE} FOR UPDATE SKIP LOCKED)
      RETURNING id, task`.execute(this.journal.store.db);
    return rows;
  }
}
