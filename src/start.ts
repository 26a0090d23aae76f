import { Logger } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { Logger as PinoLogger } from 'nestjs-pino';
import { openAccess } from './access/access.js';
import { AppModule } from './app.module.js';
import { setUp } from './app.setup.js';
import { readConfig } from './config/config.module.js';
import { FastExpressAdapter } from './http/express-adapter.js';
import { STOP_SIGNALS } from './stop-signals.js';
import { FileTasks } from './tasks-file/file-tasks.js';
import { stackOf, textOf } from './core/thrown.js';
import { welcome } from './welcome.js';

/**
 * Starts the service, which goes on until a signal stops it.
 *
 * @param ready called as soon as a stop has to wait for what was accepted
 */
export async function start(ready: () => void): Promise<void> {
  const config = await readConfig();
  const access = await openAccess(config);
  const adapter = new FastExpressAdapter();
  const app = await NestFactory.create<NestExpressApplication>(AppModule, adapter, {
    abortOnError: false,
    bodyParser: false,
    logger: false,
  });
  setUp(app, adapter, access);
  await app.init();
  app.useLogger(app.get(PinoLogger));
  const logger = new Logger('Frontrunner');
  surviveStrayErrors(logger);
  ready();
  app.enableShutdownHooks(STOP_SIGNALS, { useProcessExit: true });
  // Nest takes its own listeners away before the exit: a second signal must not kill what the first lets end.
  for (const signal of STOP_SIGNALS) process.on(signal, () => undefined);
  await app.listen(config.PORT, config.HOST);
  stopWithNpm();
  welcome(logger, { url: await app.getUrl(), config, access, tasks: app.get(FileTasks).summary });
}

/** What a sub-task throws where nobody catches it, in a timer for example, must not end the runs of everybody else. */
function surviveStrayErrors(logger: Logger): void {
  const log = (what: string) => (error: unknown) => {
    logger.error({ msg: `${what}: ${textOf(error)}`, stack: stackOf(error) });
  };
  process.on('uncaughtException', log('An error was thrown that nothing caught'));
  process.on('unhandledRejection', log('A promise was rejected that nothing handled'));
}

/** npm passes SIGTERM to its shell, which dies of it without a word: under npm, the end of the parent is the signal. */
function stopWithNpm(): void {
  if (process.env.npm_lifecycle_event === undefined) return;
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent) process.kill(process.pid, 'SIGTERM');
  }, 500).unref();
}
