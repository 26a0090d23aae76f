import pg from 'pg';
import { connectionConfig, searchPath, type PostgresAddress } from './postgres-connection.js';
import type { Committed } from './group-outcome.js';
import type { PostgresGroup } from './postgres-group.js';
import type { SubTaskQueue } from './sub-task-queue.js';

/** How long a commit waits for commits of other nodes, in milliseconds. */
const LOCK_MS = 5_000;
const PARAMETERS = 35;
const COMMIT = {
  name: 'commit-group',
  text: `SELECT first_id, refused FROM commit_group_3(${Array.from({ length: PARAMETERS }, (_, index) => `$${index + 1}`).join(', ')})`,
};

/** Existing rows were written by an earlier try. */
const LABEL = `
  INSERT INTO run_labels (label, labelled_at, run)
  SELECT * FROM unnest($1::text[], $2::bigint[], $3::text[]) ON CONFLICT DO NOTHING`;

const FULFIL = 'DELETE FROM requested_runs WHERE id = ANY ($1::text[])';
/**
 * An update that waits for whatever commits wait for on this server, such as a synchronous standby, and so for all earlier commits too.
 */
const CONFIRM = 'UPDATE nodes SET seen_at = clock_timestamp() WHERE id = $1';

/** The connection that commits. After it breaks, the next commit opens another. */
export class PostgresWriter {
  /** Longest time for a commit before its connection is given up, in milliseconds. */
  static readonly answerMs: number = 10_000;
  /**
   * Whether the connection was given up during a commit. If that commit is found, it may be on this server alone, and not on a standby.
   */
  private isUnsure = false;
  private ending: Promise<void> | undefined;
  private client: Promise<pg.Client> | undefined;

  constructor(
    private readonly address: PostgresAddress,
    private readonly queue: SubTaskQueue | undefined,
  ) {}

  /**
   * Commits all of the group or nothing, and only once, however often it is tried.
   *
   * @param number position of the group among the node's groups
   */
  async commit(node: string, number: number, group: PostgresGroup): Promise<Committed> {
    const committed = await this.commitOnce(node, number, group);
    if (this.isUnsure) {
      const client = await this.client;
      await client?.query(CONFIRM, [node]);
      this.isUnsure = false;
    }
    return committed;
  }

  private async commitOnce(node: string, number: number, group: PostgresGroup): Promise<Committed> {
    const client = await (this.client ??= this.connect());
    const commit = () =>
      client.query<{ first_id: number; refused: number[] }>({
        ...COMMIT,
        values: [node, ...group.parameters(number)],
      });
    const { jobs, labels, requests } = group;
    if (jobs.length + requests.length === 0 && !labels) return committedOf(await commit());
    if (jobs.length > 0 && !this.queue) throw new Error('There is no queue that sub-tasks could leave by');
    await client.query('BEGIN');
    try {
      if (requests.length > 0) await client.query(FULFIL, [requests]);
      if (labels) await client.query(LABEL, [...labels]);
      if (jobs.length > 0)
        await this.queue?.send(jobs, { executeSql: (text, values) => client.query(text, values) });
      // Sent together, so that the lock that numbers the events isn't held for a network round trip.
      const [result] = await Promise.all([commit(), client.query('COMMIT')]);
      return committedOf(result);
    } catch (error) {
      await client.query('ROLLBACK').catch(() => undefined);
      throw error;
    }
  }

  /**
   * Ends the connection, and its session at the server. Otherwise a server on which commits hang would get one more connection with each
   * try. The statement under way may have been executed or not.
   */
  async giveUp(): Promise<void> {
    const { client } = this;
    this.isUnsure = true;
    await this.ending;
    this.ending = client?.then((given) => this.terminate(given)).catch(() => undefined);
    await this.end();
  }

  /** Ends the connection when no statement is under way. */
  async close(): Promise<void> {
    await this.end();
    await this.ending;
  }

  private async end(): Promise<void> {
    const { client } = this;
    this.client = undefined;
    await client?.then((open) => open.end()).catch(() => undefined);
  }

  private async terminate(given: pg.Client): Promise<void> {
    const { processID } = given as unknown as { readonly processID: number | null };
    const client = new pg.Client(connectionConfig(this.address.url));
    client.on('error', () => undefined);
    try {
      await client.connect();
      await client.query('SELECT pg_terminate_backend($1)', [processID]);
    } finally {
      await client.end();
    }
  }

  private async connect(): Promise<pg.Client> {
    const client = new pg.Client({
      ...connectionConfig(this.address.url),
      query_timeout: PostgresWriter.answerMs,
      pipeline: true,
    });
    // The statement under way fails by itself when the connection breaks.
    client.on('error', () => undefined);
    await client.connect();
    await client.query(
      `${searchPath(this.address)}; SET lock_timeout = ${LOCK_MS}; SET statement_timeout = ${PostgresWriter.answerMs}`,
    );
    return client;
  }
}

function committedOf({ rows: [row] }: pg.QueryResult<{ first_id: number; refused: number[] }>): Committed {
  if (!row) throw new Error('The database did not say what became of the commit');
  return { firstId: row.first_id, refused: row.refused };
}
