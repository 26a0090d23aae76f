import type { LoggerService } from '@nestjs/common';
import type { Access } from './access/access.js';
import type { Config } from './config/config.js';

interface Started {
  /** Where it listens. */
  readonly url: string;
  readonly config: Pick<Config, 'DATABASE_URL' | 'DEMO'>;
  readonly access: Pick<Access, 'keys' | 'warnings'>;
  /** What there is to say of the tasks file, where there is one. */
  readonly tasks: string | undefined;
}

/** Says what to know of a service that has started: what is lost or open to others, and last where it is. */
export function welcome(
  logger: Pick<LoggerService, 'log' | 'warn'>,
  { url, config, access, tasks }: Started,
): void {
  if (config.DATABASE_URL.kind === 'memory')
    logger.warn('DATABASE_URL is memory: so runs are lost when the process ends');
  if (tasks !== undefined) logger.log(tasks);
  for (const warning of access.warnings) logger.warn(warning);
  const key = access.keys ? ` -H 'Authorization: Bearer <key>'` : '';
  logger.log(
    `Listening on ${url} - docs: ${url}/docs - try: curl -i ${url}${config.DEMO ? '/run-tasks' : '/tasks'}${key}`,
  );
}
