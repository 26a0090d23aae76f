import { z } from 'zod';
import { DURATION_FORM, durationSchema, milliseconds } from '../core/duration.js';
import { parseDatabaseUrl, retention, SCHEMA_FORM, SCHEMA_NAME } from './values.js';
import type { Variables } from './variable.js';

const ROLES = ['all', 'api', 'worker'] as const;

/** Variables about where runs are kept, and about nodes that share a database. */
export const journalVariables = {
  DATABASE_URL: {
    schema: z
      .string()
      .transform(parseDatabaseUrl)
      .refine((database) => database !== undefined),
    fallback: 'sqlite:./data/frontrunner.db',
    takes: 'sqlite: and the path of a file, postgres://user:password@host:port/database, or memory:',
    purpose:
      'Where runs are kept. Nodes with the same Postgres database share the work. memory: keeps runs until the process ends.',
  },
  DATABASE_SCHEMA: {
    schema: z.string().regex(SCHEMA_NAME),
    fallback: 'frontrunner',
    takes: SCHEMA_FORM,
    purpose:
      'The schema of a Postgres database that has the tables, and with _queue behind it, the queue. Services with different ones don’t see each other.',
  },
  ROLE: {
    schema: z.enum(ROLES),
    fallback: 'all',
    takes: `one of ${ROLES.join(', ')}; api and worker with a Postgres database alone`,
    purpose:
      'What this node does: api takes no sub-tasks that are placed on workers, worker no new runs, all does everything.',
  },
  NODE_TIMEOUT: {
    schema: durationSchema.transform(milliseconds).refine((ms) => ms >= 500),
    fallback: '10s',
    takes: `${DURATION_FORM}; 500ms at least, the same for all nodes`,
    purpose: 'How long a node may not be seen before others go on with what it had.',
  },
  UNKNOWN_TASK_GRACE: {
    schema: retention,
    fallback: '24h',
    takes: 'a duration such as 12h or 7d, the same for all nodes',
    purpose:
      'How long runs whose task no node knows wait for one that does before they go to the dead letters.',
  },
  JOURNAL_DURABILITY: {
    schema: z.enum(['power', 'process']),
    fallback: 'power',
    takes: 'power or process',
    purpose:
      'What an accepted run survives: power cuts too, or the end of the process alone, which costs less.',
  },
  RUN_RETENTION: {
    schema: z.union([z.literal('0').transform(() => 0), retention]),
    fallback: '30d',
    takes: 'a duration such as 12h, 30d or 1y, or 0 to keep everything',
    purpose: 'How long finished runs are kept in a database.',
  },
  IDEMPOTENCY_RETENTION: {
    schema: retention,
    fallback: '24h',
    takes: 'a duration such as 12h or 7d, no longer than RUN_RETENTION',
    purpose: 'How long an Idempotency-Key gives the run of its first use.',
  },
} satisfies Variables;
