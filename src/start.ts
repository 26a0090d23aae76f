import { randomUUID } from 'node:crypto';
import { Logger } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { openAccess } from './access/access.js';
import { AppModule } from './app.module.js';
import { setUp } from './app.setup.js';
import { readConfig } from './config/read-config.js';
import { FastExpressAdapter } from './http/express-adapter.js';
import { openLog } from './logging/open-log.js';
import { reload } from './reload.js';
import type { OnReload } from './reload-signal.js';
import type { OnStop } from './stop-signals.js';
import { FileTasks } from './tasks-file/file-tasks.js';
import { version } from './core/version.js';
import { startSdk } from './telemetry/sdk.js';
import { Telemetry } from './telemetry/telemetry.js';
import { Journal } from './run/journal.js';
import { stackOf, textOf } from './core/thrown.js';
import { loggerOf } from './core/logger-of.js';
import { announce, welcome } from './welcome.js';

/** A service that listens. */
export interface Started {
  readonly url: string;
  /** The files of TASKS_FILE. */
  readonly tasksFiles: readonly string[];
  /** Reads the files of tasks and of keys again. */
  readonly reload: () => void;
}

/**
 * Starts the service, which goes on until a signal stops it.
 *
 * @param onStop is told what a stop is as soon as it has to wait: for what is resumed, and for what is accepted
 * @param onReload is told what a reload is when the service is ready
 */
export async function start(onStop: OnStop, onReload: OnReload): Promise<Started> {
  const config = readConfig();
  const access = await openAccess(config);
  const log = await openLog(config);
  Logger.overrideLogger(log);
  const logger = loggerOf('service');
  const ownVersion = version();
  announce(logger, ownVersion, config);
  const sdk = await startSdk(config.environment, ownVersion);
  const adapter = new FastExpressAdapter();
  const app = await NestFactory.create<NestExpressApplication>(AppModule.with(config), adapter, {
    abortOnError: false,
    bodyParser: false,
    logger: log,
  });
  setUp(app, adapter, access);
  await app.init();
  if (sdk) {
    app.get(Telemetry).outlived = true;
    sdk.identify(app.get(Journal).sharing?.nodeId ?? randomUUID());
  }
  surviveStrayErrors(logger);
  const listening = app.listen(config.PORT, config.HOST);
  onStop(async () => {
    try {
      await listening;
      const until = performance.now() + config.SHUTDOWN_GRACE;
      await app.close();
      await sdk?.shutdown(Math.max(0, until - performance.now()));
    } catch (error) {
      logger.error({ msg: `The stop failed: ${textOf(error)}`, stack: stackOf(error) });
      throw error;
    }
  });
  await listening;
  const tasks = app.get(FileTasks);
  const url = await app.getUrl();
  welcome(logger, { url, config, access, tasks: tasks.summary });
  const readAgain = () => reload(logger, config, access, tasks);
  onReload(readAgain);
  return { url, tasksFiles: config.TASKS_FILE, reload: readAgain };
}

/** What a sub-task throws where nobody catches it, in a timer for example, must not end the runs of everybody else. */
function surviveStrayErrors(logger: Logger): void {
  const log = (what: string) => (error: unknown) => {
    logger.error({ msg: `${what}: ${textOf(error)}`, stack: stackOf(error) });
  };
  process.on('uncaughtException', log('An error was thrown that nothing caught'));
  process.on('unhandledRejection', log('A promise was rejected that nothing handled'));
}
