import type { CanActivate, Type } from '@nestjs/common';
import { parseConfig, unprinted, type Config } from '../config/config.js';
import type { variables } from '../config/variables.js';
import { flaw, isPlainObject, optionFlaws, type OptionKinds } from './option-flaws.js';

/** Options of an instance. Durations are texts such as `30s`, sizes texts such as `1mb`. Options that are left out have the defaults of the service. */
export interface FrontrunnerOptions {
  /** Where runs are kept: `sqlite:./data/app.db`, `postgres://…` or `memory:`. Default `sqlite:./data/frontrunner.db`. */
  readonly database?: string;
  /** On Postgres: the schema of the tables. Default `frontrunner`. */
  readonly databaseSchema?: string;
  /** What an accepted run survives: `process` for a crash of the process, which costs less; `power` for power cuts too. Default `power`. */
  readonly journalDurability?: 'power' | 'process';
  /** How long finished runs are kept, or `0` to keep all. Default `30d`. */
  readonly runRetention?: string;
  /** How long an idempotency key gives the run of its first use. Default `24h`. */
  readonly idempotencyRetention?: string;
  /** How long running sub-tasks may go on after `app.close()`. Default `30s`. */
  readonly shutdownGrace?: string;
  /** How many sub-tasks run at once. Default 20,000. */
  readonly maxConcurrentSubTasks?: number;
  /** How many accepted runs may wait for a free slot. Beyond that, new runs are refused. Default 10,000. */
  readonly maxQueuedRuns?: number;
  /** Largest input as JSON, and largest body of a request. Default `100kb`. */
  readonly maxInputBytes?: string;
  /** The largest result of a sub-task as JSON. A sub-task with a larger one has failed. Default `1mb`. */
  readonly maxResultBytes?: string;
  /** Memory for inputs, results, unsent answers and streams. When it is full, new runs are refused. Default: a quarter of Node's heap limit. */
  readonly memoryBudget?: string;
  /** On Postgres: `api` runs no sub-tasks that are placed on workers, `worker` accepts no new runs, `all` does everything. Default `all`. */
  readonly role?: 'all' | 'api' | 'worker';
  /** On Postgres: a node unseen for this long counts as dead, and others take over its work. Same on all nodes. Default `10s`. */
  readonly nodeTimeout?: string;
  /** On Postgres: how long a run waits when no node knows its task. Same on all nodes. Default `24h`. */
  readonly unknownTaskGrace?: string;
  /** The proxies of sub-tasks that call HTTP. Default: none; variables such as `HTTP_PROXY` are not read. */
  readonly httpProxy?: string;
  readonly httpsProxy?: string;
  readonly noProxy?: string;
  /** Keys that encrypt stored secrets of webhooks: 32 bytes in base64, comma-separated. The first encrypts; all decrypt. Default: none. */
  readonly secretsKey?: string;
  /** Signs deliveries of webhooks of runs and tasks that have no secret of their own: `whsec_…`, comma-separated; all sign. Default: none. */
  readonly webhookSecret?: string;
  /** Where webhooks of a start may point: `public`, origins such as `http://127.0.0.1:4000`, or both, comma-separated. Default `public`. */
  readonly webhookOrigins?: string;
  /** The values of `${NAME}` in tasks files. Default: none. Give `process.env` to use the environment. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** The HTTP face: `true` for all defaults. Default: none. */
  readonly http?: boolean | HttpOptions;
}

/** Options of the HTTP face of an instance. */
export interface HttpOptions {
  /** The path below which it answers: one segment or more. Nest's global prefix isn't added. Default `frontrunner`. */
  readonly path?: string;
  /** Guards that run before each request, after the global guards of the application. Default: none. */
  readonly guards?: readonly (Type<CanActivate> | CanActivate)[];
  /**
   * Names the caller of a request, such as `request.user?.id`. It runs after the guards. Each caller has idempotency keys of its own. The
   * request is Express's or Fastify's. Default: all callers count as one.
   */
  readonly client?: (request: never) => string | undefined;
  /** Whether to serve the OpenAPI document at `openapi.json`, and Swagger UI at `docs` if `@nestjs/swagger` is installed. Default true. */
  readonly openApi?: boolean;
  /** Whether to serve the page at `ui/`. Default true. */
  readonly ui?: boolean;
  /** The beginning of links, such as `https://api.example.com/frontrunner`. Default: the path. */
  readonly publicUrl?: string;
  /** The origins, separated by commas, whose pages may start and change runs; `*` for all. Default: the application's own. */
  readonly origins?: string;
  /** How long a request may wait for a reply. After that the answer is 202, and the run goes on. Default `60s`. */
  readonly maxWait?: string;
}

const VARIABLES = {
  database: 'DATABASE_URL',
  databaseSchema: 'DATABASE_SCHEMA',
  journalDurability: 'JOURNAL_DURABILITY',
  runRetention: 'RUN_RETENTION',
  idempotencyRetention: 'IDEMPOTENCY_RETENTION',
  shutdownGrace: 'SHUTDOWN_GRACE',
  maxConcurrentSubTasks: 'MAX_CONCURRENT_SUB_TASKS',
  maxQueuedRuns: 'MAX_QUEUED_RUNS',
  maxInputBytes: 'MAX_INPUT_BYTES',
  maxResultBytes: 'MAX_RESULT_BYTES',
  memoryBudget: 'MEMORY_BUDGET',
  role: 'ROLE',
  nodeTimeout: 'NODE_TIMEOUT',
  unknownTaskGrace: 'UNKNOWN_TASK_GRACE',
  httpProxy: 'HTTP_PROXY',
  httpsProxy: 'HTTPS_PROXY',
  noProxy: 'NO_PROXY',
  secretsKey: 'SECRETS_KEY',
  webhookSecret: 'WEBHOOK_SECRET',
  webhookOrigins: 'WEBHOOK_ORIGINS',
} as const satisfies Partial<Record<keyof FrontrunnerOptions, keyof typeof variables>>;

const HTTP_VARIABLES = {
  publicUrl: 'PUBLIC_URL',
  origins: 'CORS_ORIGINS',
  maxWait: 'MAX_WAIT',
} as const satisfies Partial<Record<keyof HttpOptions, keyof typeof variables>>;

/** The path must mean the same to Express, to Fastify and in links: no segment of it is `.` or `..`. */
const PATH = /^\/?(?!\.{1,2}(\/|$))[\w.~-]+(\/(?!\.{1,2}(\/|$))[\w.~-]+)*\/?$/;

const KINDS: OptionKinds = {
  environment: (value, name) =>
    isPlainObject(value) ? [] : [flaw(name, value, 'an object such as process.env')],
  http: (value, name) => {
    if (typeof value === 'boolean') return [];
    if (!isPlainObject(value)) return [flaw(name, value, 'true, false or an object of options')];
    return optionFlaws(value, Object.keys(HTTP_VARIABLES), HTTP_KINDS, 'http.');
  },
};

const HTTP_KINDS: OptionKinds = {
  path: (value, name) => {
    if (typeof value === 'string' && PATH.test(value)) return [];
    const takes = 'one segment or more of letters, digits and . _ ~ -, such as frontrunner or api/runs';
    return [flaw(name, value, takes)];
  },
  guards: (value, name) => {
    if (!Array.isArray(value)) return [flaw(name, value, 'a list of guards')];
    const wrong = value.findIndex((guard: unknown) => !isGuard(guard));
    return wrong < 0
      ? []
      : [flaw(`${name}[${wrong}]`, value[wrong], 'a class with canActivate, or an object of one')];
  },
  client: (value, name) => {
    if (typeof value === 'function' && value.constructor.name === 'Function') return [];
    const takes = 'a function that returns a text, without waiting for anything; let a guard do that';
    return [
      typeof value === 'function' ? `${name} is asynchronous; it takes ${takes}` : flaw(name, value, takes),
    ];
  },
  openApi: trueOrFalse,
  ui: trueOrFalse,
};

function trueOrFalse(value: unknown, name: string): string[] {
  return typeof value === 'boolean' ? [] : [flaw(name, value, 'true or false')];
}

function isGuard(guard: unknown): boolean {
  return typeof guard === 'function' || (isPlainObject(guard) && 'canActivate' in guard);
}

/** Thrown for invalid options of an instance. The message names each option, the value, and what is allowed. */
export class OptionsError extends Error {
  constructor(problems: readonly string[]) {
    super(`The options of FrontrunnerModule are wrong:\n${problems.map((line) => `  ${line}`).join('\n')}`);
    this.name = 'OptionsError';
  }
}

/** @throws {OptionsError} for unknown options, and for values of a wrong type */
export function requireKinds(options: FrontrunnerOptions): void {
  const flaws = isPlainObject(options)
    ? optionFlaws(options, Object.keys(VARIABLES), KINDS)
    : [flaw('forRoot', options, 'an object of options')];
  if (flaws.length > 0) throw new OptionsError(flaws);
}

/** Makes a configuration from options. @throws {OptionsError} @throws {ConfigError} */
export function configOf(options: FrontrunnerOptions, tasksFiles: readonly string[] = []): Config {
  requireKinds(options);
  const http = httpOptions(options) ?? {};
  const names = new Map<string, string>();
  const given: Record<string, string> = {};
  const take = (values: object, variablesOf: Readonly<Record<string, string>>, prefix: string): void => {
    for (const [option, variable] of Object.entries(variablesOf)) {
      const value = (values as Readonly<Record<string, string | number | undefined>>)[option];
      names.set(variable, prefix + option);
      if (value !== undefined) given[variable] = String(value);
    }
  };
  take(options, VARIABLES, '');
  take(http, HTTP_VARIABLES, 'http.');
  const config = parseConfig(given, (variable) => names.get(variable) ?? variable);
  return unprinted({ ...config, TASKS_FILE: tasksFiles, environment: options.environment ?? {} });
}

/** Translates an error of a start: messages of the service name its variables, and those of an instance its options. */
export function inWordsOfOptions(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  for (const [option, variable] of Object.entries({ ...VARIABLES, forFile: 'TASKS_FILE' }))
    error.message = error.message.replaceAll(variable, option);
  return error;
}

/** The options of the HTTP face; undefined when there is none. */
export function httpOptions({ http = false }: FrontrunnerOptions): HttpOptions | undefined {
  if (http === false) return undefined;
  return http === true ? {} : http;
}

/** The path of the HTTP face, such as `/frontrunner`. */
export function basePath({ path = 'frontrunner' }: HttpOptions): string {
  return `/${path.replaceAll(/^\/|\/$/g, '')}`;
}
