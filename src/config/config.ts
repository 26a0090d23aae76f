import bytes from 'bytes';
import ms from 'ms';
import { z } from 'zod';
import { DURATION_FORM, durationSchema, milliseconds } from '../tasks/duration.js';

/** One environment variable: the text it defaults to, what it takes and what it is for. */
interface Variable<T extends z.ZodType> {
  readonly schema: T;
  readonly fallback: string;
  readonly takes: string;
  readonly purpose: string;
}

const count = (least: number) =>
  z
    .string()
    .regex(/^\d{1,9}$/)
    .transform(Number)
    .refine((value) => value >= least);
const size = z
  .string()
  .regex(/^\d+(\.\d+)?\s*(b|kb|mb)?$/i)
  .transform((text) => bytes.parse(text) ?? 0)
  .refine((value) => value > 0 && value <= 100 * 2 ** 20);
const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
const SIZE_FORM = 'a size such as 512b, 100kb or 1mb, at most 100mb';

const LONGEST_RETENTION_MS = ms('100y');

/** Where runs are kept. */
type Database = { readonly kind: 'memory' } | { readonly kind: 'sqlite'; readonly path: string };

function parseDatabaseUrl(url: string): Database | undefined {
  if (url === 'memory:') return { kind: 'memory' };
  const [, path] = /^sqlite:([^:?#][^?#]*)$/.exec(url) ?? [];
  return path === undefined || /[\0/]$/.test(path) ? undefined : { kind: 'sqlite', path };
}

export const variables = {
  HOST: {
    schema: z.string(),
    fallback: '127.0.0.1',
    takes: 'an address or a host name',
    purpose: 'Where the service listens.',
  },
  PORT: {
    schema: count(0).refine((port) => port <= 65_535),
    fallback: '3000',
    takes: 'a whole number from 0 to 65535; 0 lets the system choose',
    purpose: 'The port it listens on.',
  },
  DATABASE_URL: {
    schema: z
      .string()
      .transform(parseDatabaseUrl)
      .refine((database) => database !== undefined),
    fallback: 'sqlite:./data/frontrunner.db',
    takes: 'sqlite: and the path of a file, or memory:',
    purpose: 'Where runs are kept. memory: keeps them until the process ends.',
  },
  JOURNAL_DURABILITY: {
    schema: z.enum(['power', 'process']),
    fallback: 'power',
    takes: 'power or process',
    purpose:
      'What an accepted run survives: power cuts too, or the end of the process alone, which costs less.',
  },
  RUN_RETENTION: {
    schema: z.union([
      z.literal('0').transform(() => 0),
      z
        .string()
        .regex(/^\d{1,5}(\.\d+)? ?[a-z]+$/i)
        .transform((text) => ms(text as ms.StringValue))
        .refine((value) => value > 0 && value <= LONGEST_RETENTION_MS),
    ]),
    fallback: '30d',
    takes: 'a duration such as 12h, 30d or 1y, or 0 to keep everything',
    purpose: 'How long finished runs are kept in a database.',
  },
  LOG_LEVEL: {
    schema: z.enum(LOG_LEVELS),
    fallback: 'info',
    takes: `one of ${LOG_LEVELS.join(', ')}`,
    purpose: 'The least severe lines that are logged.',
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

/** The service's configuration: durations in milliseconds, sizes in bytes. */
export type Config = {
  readonly [Name in keyof typeof variables]: z.infer<(typeof variables)[Name]['schema']>;
};

/** Wrong environment variables. The message names each, what it got and what it takes. */
export class ConfigError extends Error {
  constructor(problems: readonly string[]) {
    super(`The configuration is wrong:\n${problems.map((problem) => `  ${problem}`).join('\n')}`);
    this.name = 'ConfigError';
  }
}

/** Empty variables count as unset. @throws {ConfigError} */
export function parseConfig(environment: Readonly<Record<string, unknown>>): Config {
  const problems: string[] = [];
  const entries = Object.entries<Variable<z.ZodType>>(variables).map(([name, variable]) => {
    const given = environment[name];
    const text = given === undefined || given === '' ? variable.fallback : given;
    const result = variable.schema.safeParse(text);
    if (!result.success) {
      problems.push(
        `${name} is ${JSON.stringify(given)}; it takes ${variable.takes} (default ${variable.fallback})`,
      );
    }
    return [name, result.data];
  });
  if (problems.length > 0) throw new ConfigError(problems);
  return Object.fromEntries(entries) as Config;
}
