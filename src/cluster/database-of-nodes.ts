import { UsageError, type Terminal } from '../command-line/command.js';
import { variables } from '../config/variables.js';

/** The URL of the Postgres database that nodes share. @throws {UsageError} when `DATABASE_URL` is another one */
export function urlOfNodes(env: Terminal['env']): string {
  const { schema, fallback, takes } = variables.DATABASE_URL;
  const text = env.DATABASE_URL === '' ? fallback : (env.DATABASE_URL ?? fallback);
  const { data } = schema.safeParse(text);
  if (!data) throw new UsageError(`DATABASE_URL takes ${takes}`);
  if (data.kind === 'postgres') return data.url;
  throw new UsageError(
    `DATABASE_URL is ${text}, of one node alone; nodes, and the queue between them, are in a Postgres database: postgres://…`,
  );
}
