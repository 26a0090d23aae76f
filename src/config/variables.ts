import { z } from 'zod';
import { LOG_KINDS, LOG_LEVELS } from '../core/log-kinds.js';
import { DURATION_FORM, durationSchema, milliseconds } from '../core/duration.js';
import {
  count,
  memorySize,
  parseDatabaseUrl,
  parseHosts,
  parseLogLevels,
  parseOrigins,
  parsePaths,
  parseProxies,
  parsePublicUrl,
  parseRate,
  parseSecretsKeys,
  parseWebhookOrigins,
  parseWebhookSecrets,
  port,
  proxy,
  retention,
  SCHEMA_FORM,
  SCHEMA_NAME,
  size,
  SIZE_FORM,
} from './values.js';

/** One environment variable: the text it defaults to, what it takes and what it is for. */
export interface Variable<T extends z.ZodType> {
  readonly schema: T;
  readonly fallback: string;
  readonly takes: string;
  readonly purpose: string;
}

const ROLES = ['all', 'api', 'worker'] as const;

export const variables = {
  HOST: {
    schema: z.string(),
    fallback: '127.0.0.1',
    takes: 'an address or a host name',
    purpose: 'Where the service listens.',
  },
  PORT: {
    schema: port,
    fallback: '3000',
    takes: 'a whole number from 0 to 65535; 0 lets the system choose',
    purpose: 'The port it listens on.',
  },
  PUBLIC_URL: {
    schema: z
      .string()
      .transform(parsePublicUrl)
      .refine((url) => url !== undefined),
    fallback: 'none',
    takes: 'none, or a URL without a query such as https://api.example.com/frontrunner',
    purpose: 'Where callers reach the service: what links begin with.',
  },
  TRUSTED_PROXIES: {
    schema: z
      .string()
      .transform(parseProxies)
      .refine((proxies) => proxies !== undefined),
    fallback: 'none',
    takes:
      'none, or addresses, networks such as 10.0.0.0/8, loopback, linklocal and uniquelocal, separated by commas',
    purpose: 'The proxies whose X-Forwarded-For, -Proto, -Host and -Prefix are believed.',
  },
  METRICS_PORT: {
    schema: z.union([z.literal('none').transform(() => null), port]),
    fallback: 'none',
    takes: 'none, or a whole number from 0 to 65535; 0 lets the system choose',
    purpose:
      'A port for /metrics alone, where nobody needs a key. Without it /metrics is on PORT, where a key needs metrics:read.',
  },
  METRICS_HOST: {
    schema: z.string(),
    fallback: '127.0.0.1',
    takes: 'an address or a host name',
    purpose: 'Where METRICS_PORT listens. Whoever reaches it reads the metrics.',
  },
  TASKS_FILE: {
    schema: z
      .string()
      .transform(parsePaths)
      .refine((paths) => paths !== undefined),
    fallback: 'none',
    takes:
      'none, or paths of YAML or JSON files, and of folders of them, separated by commas, in which frontrunner check finds no mistake',
    purpose: 'Tasks besides those of the code, such as calls of several upstreams.',
  },
  HTTP_PROXY: {
    schema: proxy,
    fallback: 'none',
    takes: 'an HTTP proxy such as http://user:password@proxy.example:3128, or none',
    purpose:
      'The proxy through which upstreams of http are called. http_proxy is the same, and counts first.',
  },
  HTTPS_PROXY: {
    schema: proxy,
    fallback: 'none',
    takes: 'an HTTP proxy such as http://user:password@proxy.example:3128, or none',
    purpose:
      'The proxy through which upstreams of https are called. https_proxy is the same, and counts first.',
  },
  NO_PROXY: {
    schema: z.string().transform((text) => (text === 'none' ? [] : text.split(/[\s,]+/).filter(Boolean))),
    fallback: 'none',
    takes:
      'hosts such as example.com (and all below it), addresses, networks such as 10.0.0.0/8, or *, separated by commas',
    purpose: 'The upstreams that are called without a proxy. no_proxy is the same, and counts first.',
  },
  API_KEYS_FILE: {
    schema: z.string().transform((path) => (path === 'none' ? null : path)),
    fallback: 'none',
    takes: 'the path of a file that frontrunner keys has made, or none',
    purpose: 'The API keys of which every caller needs one. Without them only this machine may call.',
  },
  ALLOW_ANONYMOUS: {
    schema: z.enum(['true', 'false']).transform((text) => text === 'true'),
    fallback: 'false',
    takes: 'true or false',
    purpose: 'Whether the service may listen where others reach it although nobody needs a key.',
  },
  ALLOWED_HOSTS: {
    schema: z
      .string()
      .transform(parseHosts)
      .refine((hosts) => hosts !== undefined),
    fallback: 'none',
    takes: 'none, or host names such as runs.internal, separated by commas and without a port',
    purpose:
      'The names besides localhost, HOST and that of PUBLIC_URL that callers without a key may call the service by; by another, 421.',
  },
  RATE_LIMIT: {
    schema: z.union([
      z.enum(['auto', 'off']),
      z
        .string()
        .transform(parseRate)
        .refine((rate) => rate !== undefined),
    ]),
    fallback: 'auto',
    takes:
      'a count and a duration of whole seconds such as 1000/1m, off, or auto: off on loopback without TRUSTED_PROXIES, else 1000/1m',
    purpose: 'How many requests a caller has, by its key or else its address; past it, 429.',
  },
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
  SECRETS_KEY: {
    schema: z
      .string()
      .transform(parseSecretsKeys)
      .refine((keys) => keys !== undefined),
    fallback: 'none',
    takes:
      'none, or 32 bytes in base64 such as openssl rand -base64 32 makes; several separated by commas: the first seals, all open',
    purpose: 'What secrets of webhooks are encrypted with where they are kept. Without it none can be made.',
  },
  WEBHOOK_SECRET: {
    schema: z
      .string()
      .transform(parseWebhookSecrets)
      .refine((secrets) => secrets !== undefined),
    fallback: 'none',
    takes: 'none, or whsec_ and 24 to 64 bytes in base64; several separated by commas: all sign',
    purpose:
      'What deliveries to webhooks of runs and tasks are signed with that bring no secret of their own.',
  },
  WEBHOOK_ORIGINS: {
    schema: z
      .string()
      .transform(parseWebhookOrigins)
      .refine((origins) => origins !== undefined),
    fallback: 'public',
    takes: 'public, origins such as http://127.0.0.1:4000, or both, separated by commas',
    purpose:
      'Where callers may send events: public is https to any address on the public internet; an origin may have any address.',
  },
  MAX_WAIT: {
    schema: durationSchema.transform(milliseconds),
    fallback: '60s',
    takes: DURATION_FORM,
    purpose: 'How long a request may wait for a reply; past it, 202, and the run goes on.',
  },
  LOG_LEVEL: {
    schema: z.enum(LOG_LEVELS),
    fallback: 'info',
    takes: `one of ${LOG_LEVELS.join(', ')}`,
    purpose: 'The least severe lines that are logged.',
  },
  LOG_LEVELS: {
    schema: z
      .string()
      .transform(parseLogLevels)
      .refine((levels) => levels !== undefined),
    fallback: 'none',
    takes: `none, or kinds of lines with their levels, such as sub-task=warn,node=debug; kinds are ${LOG_KINDS.join(', ')}, and levels those of LOG_LEVEL: ${LOG_LEVELS.join(', ')}`,
    purpose: 'The same for lines of one kind, which is their context.',
  },
  SHUTDOWN_GRACE: {
    schema: durationSchema.transform(milliseconds),
    fallback: '30s',
    takes: DURATION_FORM,
    purpose: 'How long running sub-tasks may go on after a stop was asked for.',
  },
  MAX_CONCURRENT_SUB_TASKS: {
    schema: count(1),
    fallback: '20000',
    takes: 'a whole number from 1',
    purpose: 'How many sub-tasks run at once, not counting those that ignore their aborted signal.',
  },
  MAX_QUEUED_RUNS: {
    schema: count(1),
    fallback: '10000',
    takes: 'a whole number from 1',
    purpose: 'How many accepted runs may wait for a free slot; past it, new runs get 503.',
  },
  MAX_INPUT_BYTES: {
    schema: size,
    fallback: '100kb',
    takes: SIZE_FORM,
    purpose: 'How large the body of a request may be; past it, 413.',
  },
  MAX_RESULT_BYTES: {
    schema: size,
    fallback: '1mb',
    takes: SIZE_FORM,
    purpose: 'How large the result of a sub-task may be as JSON; past it, the sub-task has failed.',
  },
  MEMORY_BUDGET: {
    schema: z.union([z.literal('auto').transform(() => null), memorySize]),
    fallback: 'auto',
    takes: 'a size such as 256mb or 2gb, 16mb at least, or auto: a quarter of the heap that Node may use',
    purpose:
      'What inputs, results, unsent answers and streams may take in memory; past it, new runs get 503.',
  },
  MAX_CONNECTIONS: {
    schema: count(1),
    fallback: '10000',
    takes: 'a whole number from 1',
    purpose: 'How many connections may be open; past it, new ones get 503 and are closed.',
  },
  KEEP_ALIVE_TIMEOUT: {
    schema: durationSchema.transform(milliseconds).refine((ms) => ms >= 1_000),
    fallback: '75s',
    takes: `${DURATION_FORM}; 1s at least`,
    purpose: 'How long a connection is kept for its next request: longer than the proxy in front keeps it.',
  },
  CORS_ORIGINS: {
    schema: z
      .string()
      .transform(parseOrigins)
      .refine((origins) => origins !== undefined),
    fallback: 'off',
    takes: 'off, *, or origins such as https://shop.example, separated by commas and without a path',
    purpose: 'The origins whose pages may call the service from a browser.',
  },
  DEMO: {
    schema: z.enum(['on', 'off']).transform((text) => text === 'on'),
    fallback: 'on',
    takes: 'on or off',
    purpose: 'Whether there is the demo task, and /run-tasks. frontrunner serve has it only with --demo.',
  },
  DEMO_TIME_SCALE: {
    schema: z
      .string()
      .regex(/^\d{1,3}(\.\d+)?$/)
      .transform(Number)
      .refine((scale) => scale <= 10),
    fallback: '1',
    takes: 'a number from 0 to 10',
    purpose: 'Multiplies the sleeps of the demo task, so that tests and benchmarks run it fast.',
  },
} satisfies Record<string, Variable<z.ZodType>>;
