import type { LoggerService } from '@nestjs/common';
import { AccessError } from './access/access-error.js';
import { keysOf, type Access } from './access/access.js';
import { exposureOfFile } from './access/keys-file.js';
import type { Config } from './config/config.js';
import { DomainError } from './core/domain-error.js';
import type { FileTasks } from './tasks-file/file-tasks.js';

/** Reads the files of tasks and of keys again, each by itself: one with mistakes changes nothing, and the log says what they are. */
export function reload(
  logger: Pick<LoggerService, 'log' | 'warn' | 'error'>,
  config: Pick<Config, 'API_KEYS_FILE' | 'TASKS_FILE'>,
  { keys }: Pick<Access, 'keys'>,
  tasks: Pick<FileTasks, 'reload'>,
): void {
  const { API_KEYS_FILE: keysFile, TASKS_FILE: tasksFiles } = config;
  if (tasksFiles.length > 0) attempt(() => tasks.reload());
  if (keys && keysFile !== null)
    attempt(() => {
      keys.replace(keysOf(keysFile));
      logger.log(`Reloaded: ${keys.size} API keys from ${keysFile}`);
      const exposed = exposureOfFile(keysFile);
      if (exposed !== undefined) logger.warn(exposed);
    });
  if (tasksFiles.length === 0 && keysFile === null)
    logger.warn('There is nothing to reload: neither TASKS_FILE nor API_KEYS_FILE is set');

  function attempt(change: () => unknown): void {
    try {
      change();
    } catch (error) {
      // Of the tasks file the log says so already.
      if (error instanceof AccessError)
        logger.error(`Not reloaded, the API keys are as before: ${error.message}`);
      else if (!(error instanceof DomainError)) throw error;
    }
  }
}
