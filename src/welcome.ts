import type { LoggerService } from '@nestjs/common';
import type { Access } from './access/access.js';
import type { Config } from './config/config.js';
import { unreadVariables } from './config/unread-variables.js';
import { nameOf } from './core/database-name.js';

type Log = Pick<LoggerService, 'log' | 'warn'>;

interface Started {
  /** The URL at which the service listens. */
  readonly url: string;
  readonly config: Pick<Config, 'DATABASE_URL' | 'DEMO' | 'METRICS_PORT'>;
  readonly access: Pick<Access, 'keys' | 'warnings'>;
  /** A line about the tasks file, where there is one. */
  readonly tasks: string | undefined;
}

/** Logs what starts, before there is anything to wait for, and which variables look as if they were meant for the service. */
export function announce(
  logger: Log,
  version: string,
  { DATABASE_URL, ROLE: role, environment }: Pick<Config, 'DATABASE_URL' | 'ROLE' | 'environment'>,
): void {
  const database = databaseName(DATABASE_URL);
  const node = process.version;
  const msg = `Frontrunner ${version} starts: database ${database}, role ${role}, Node ${node}`;
  logger.log({ msg, version, database, role, node });
  for (const warning of unreadVariables(environment)) logger.warn(warning);
}

/** Logs what users should know of a started service: what may get lost, what is open to others, and last its URL. */
export function welcome(logger: Log, { url, config, access, tasks }: Started): void {
  if (config.DATABASE_URL.kind === 'memory')
    logger.warn('DATABASE_URL is memory: so runs are lost when the process ends');
  if (tasks !== undefined) logger.log(tasks);
  for (const warning of access.warnings) logger.warn(warning);
  const key = access.keys ? ` -H 'Authorization: Bearer <key>'` : '';
  const look = { page: '/ui/', docs: '/docs', ...(config.METRICS_PORT === null && { metrics: '/metrics' }) };
  const pages = Object.entries(look).map(([name, path]) => `${name}: ${url}${path}`);
  const example = `curl -i ${url}${config.DEMO ? '/run-tasks' : '/tasks'}${key}`;
  logger.log(`Listening on ${url} - ${pages.join(' - ')} - try: ${example}`);
}

function databaseName(database: Config['DATABASE_URL']): string {
  switch (database.kind) {
    case 'memory':
      return 'memory:';
    case 'sqlite':
      return `sqlite:${database.path}`;
    case 'postgres':
      return nameOf(database.url);
  }
}
