import bytes from 'bytes';
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
    schema: z.literal('memory:'),
    fallback: 'memory:',
    takes: 'memory:',
    purpose: 'Where runs are kept. memory: keeps them until the process ends.',
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
