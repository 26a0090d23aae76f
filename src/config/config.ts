import { inspect } from 'node:util';
import ms from 'ms';
import type { z } from 'zod';
import type { Variable } from './variable.js';
import { variables } from './variables.js';

/** The token of the {@link Config} that an application was made with. */
export const CONFIG = Symbol('configuration');

/** The configuration of an application: durations in milliseconds, sizes in bytes. */
export type Config = {
  readonly [Name in keyof typeof variables]: z.infer<(typeof variables)[Name]['schema']>;
} & {
  /** Values for `${NAME}` in tasks files. */
  readonly environment: Environment;
};

type Environment = Readonly<Record<string, string | undefined>>;

/** Thrown for wrong environment variables. The message names each, its value, and what is allowed. */
export class ConfigError extends Error {
  constructor(problems: readonly string[]) {
    super(`The configuration is wrong:\n${problems.map((problem) => `  ${problem}`).join('\n')}`);
    this.name = 'ConfigError';
  }
}

/** Keeps the secrets of a configuration out of prints of objects. */
export function unprinted(config: Config): Config {
  return Object.defineProperty(config, inspect.custom, { value: () => '[Config]' });
}

function withoutPassword(text: string): string {
  return text.replace(/(:\/\/[^:@/]*):[^@]*@/, '$1:…@').replace(/^"([^:@/"]+):[^@/]*@/, '"$1:…@');
}

/** The value of a variable. `HTTP_PROXY` and the like are also read in lower case, as other programs do; that name counts first. */
function givenOf(environment: Environment, name: string): unknown {
  const lower = name.endsWith('_PROXY') ? environment[name.toLowerCase()] : undefined;
  return lower === undefined || lower === '' ? environment[name] : lower;
}

/**
 * Makes a configuration from environment variables. Empty variables count as unset.
 *
 * @param nameOf how messages name a variable. Default: its own name
 * @throws {ConfigError}
 */
export function parseConfig(
  environment: Environment,
  nameOf: (variable: string) => string = (variable) => variable,
): Config {
  const problems: string[] = [];
  const entries = Object.entries<Variable<z.ZodType>>(variables).map(([name, variable]) => {
    const given = givenOf(environment, name);
    const text = given === undefined || given === '' ? variable.fallback : given;
    const result = variable.schema.safeParse(text);
    if (!result.success) {
      const shown = variable.secret ? 'not what it takes' : withoutPassword(JSON.stringify(given));
      problems.push(`${nameOf(name)} is ${shown}; it takes ${variable.takes} (default ${variable.fallback})`);
    }
    return [name, result.data];
  });
  const config = { ...Object.fromEntries(entries), environment } as Config;
  const { RUN_RETENTION, IDEMPOTENCY_RETENTION } = config;
  if (RUN_RETENTION > 0 && IDEMPOTENCY_RETENTION > RUN_RETENTION)
    problems.push(
      `${nameOf('IDEMPOTENCY_RETENTION')} (${ms(IDEMPOTENCY_RETENTION)}) is longer than ${nameOf('RUN_RETENTION')} (${ms(RUN_RETENTION)}), so keys would outlive their runs; lower the first or raise the second`,
    );
  const { ROLE, DATABASE_URL } = config;
  if (problems.length === 0 && ROLE !== 'all' && DATABASE_URL.kind !== 'postgres')
    problems.push(
      `${nameOf('ROLE')} is ${ROLE}, but there are no other nodes without a Postgres database; leave it at all, or set ${nameOf('DATABASE_URL')} to one`,
    );
  const { PORT, METRICS_PORT } = config;
  if (PORT === METRICS_PORT && PORT > 0)
    problems.push(
      `${nameOf('METRICS_PORT')} is ${METRICS_PORT}, and so is ${nameOf('PORT')}; leave METRICS_PORT out for /metrics on PORT, or set another one`,
    );
  if (problems.length > 0) throw new ConfigError(problems);
  return unprinted(config);
}
