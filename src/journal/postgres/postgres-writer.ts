import pg from 'pg';
import { connectionConfig } from './postgres-connection.js';
import type { Committed, PostgresGroup } from './postgres-group.js';
import type { SubTaskQueue } from './sub-task-queue.js';

const PARAMETERS = 31;
const COMMIT = {
  name: 'commit-group',
  text: `SELECT first_id, refused FROM frontrunner.commit_group_2(${Array.from({ length: PARAMETERS }, (_, index) => `$${index + 1}`).join(', ')})`,
};

/** The connection that commits. When it has broken, the next commit opens another. */
export class PostgresWriter {
  private client: Promise<pg.Client> | undefined;

  constructor(
    private readonly url: string,
    private readonly queue: SubTaskQueue | undefined,
  ) {}

  /** All or nothing, and once, however often it is asked for. */
  async commit(node: string, group: PostgresGroup): Promise<Committed> {
    const client = await (this.client ??= this.connect());
    const commit = () =>
      client.query<{ first_id: number; refused: number[] }>({
        ...COMMIT,
        values: [node, ...group.parameters()],
      });
    const { jobs } = group;
    if (jobs.length === 0) return committedOf(await commit());
    if (!this.queue) throw new Error('There is no queue that sub-tasks could leave by');
    await client.query('BEGIN');
    try {
      await this.queue.send(jobs, { executeSql: (text, values) => client.query(text, values) });
      // Sent together: the lock that numbers the events is held for no turn of the network.
      const [result] = await Promise.all([commit(), client.query('COMMIT')]);
      return committedOf(result);
    } catch (error) {
      await client.query('ROLLBACK').catch(() => undefined);
      throw error;
    }
  }

  /** Ends the connection; what was asked over it may have happened or not. */
  async close(): Promise<void> {
    const { client } = this;
    this.client = undefined;
    await client?.then((open) => open.end()).catch(() => undefined);
  }

  private async connect(): Promise<pg.Client> {
    const client = new pg.Client({ ...connectionConfig(this.url), pipeline: true });
    // What is under way learns of it by itself.
    client.on('error', () => undefined);
    await client.connect();
    return client;
  }
}

function committedOf({ rows: [row] }: pg.QueryResult<{ first_id: number; refused: number[] }>): Committed {
  if (!row) throw new Error('The database did not say what became of the commit');
  return { firstId: row.first_id, refused: row.refused };
}
