import 'reflect-metadata';
import { parseArgs } from 'node:util';
import { Logger, ShutdownSignal } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { Logger as PinoLogger } from 'nestjs-pino';
import { AccessError } from './access/access-error.js';
import { openAccess } from './access/access.js';
import { AppModule } from './app.module.js';
import { setUp } from './app.setup.js';
import { ConfigError } from './config/config.js';
import { readConfig } from './config/config.module.js';
import { usage } from './config/usage.js';
import { FastExpressAdapter } from './http/express-adapter.js';
import { DatabaseError } from './journal/database-error.js';
import { TaskDeclarationError } from './tasks/task-declaration.js';
import { FileTasks } from './tasks-file/file-tasks.js';
import { TasksFileError } from './tasks-file/mistake.js';
import { stackOf, textOf } from './tasks/thrown.js';

const STOP_SIGNALS = [ShutdownSignal.SIGTERM, ShutdownSignal.SIGINT];

async function start(): Promise<void> {
  for (const signal of STOP_SIGNALS) process.once(signal, stopBeforeStart);
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
  for (const signal of STOP_SIGNALS) process.off(signal, stopBeforeStart);
  app.enableShutdownHooks(STOP_SIGNALS, { useProcessExit: true });
  // Nest takes its own listeners away before the exit: a second signal must not kill what the first lets end.
  for (const signal of STOP_SIGNALS) process.on(signal, () => undefined);
  await app.listen(config.PORT, config.HOST);
  stopWithNpm();
  const url = await app.getUrl();
  if (config.DATABASE_URL.kind === 'memory')
    logger.warn('DATABASE_URL is memory: so runs are lost when the process ends');
  const { summary } = app.get(FileTasks);
  if (summary !== undefined) logger.log(summary);
  for (const warning of access.warnings) logger.warn(warning);
  const key = access.keys ? ` -H 'Authorization: Bearer <key>'` : '';
  logger.log(`Listening on ${url} - docs: ${url}/docs - try: curl -i ${url}/run-tasks${key}`);
}

/** Nothing was accepted yet, and what was left of before is safe in the journal: there is nothing to wait for. */
function stopBeforeStart(): void {
  process.exit(0);
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
    if (process.ppid !== parent) process.kill(process.pid, ShutdownSignal.SIGTERM);
  }, 500).unref();
}

/** Errors whose message says what to do. */
const mendable = [AccessError, ConfigError, DatabaseError, TaskDeclarationError, TasksFileError];

/** What stopped the start, in a line or two for mistakes that the user can mend, with a stack trace otherwise. */
function explain(error: unknown): string {
  if (mendable.some((kind) => error instanceof kind)) return (error as Error).message;
  const { code, address, port } = error as { code?: string; address?: string; port?: number };
  if (code?.startsWith('ERR_PARSE_ARGS') && error instanceof Error)
    return `${error.message}\nnpm start -- --help says what there is`;
  if (code === 'EADDRINUSE')
    return `PORT ${String(port)} on ${String(address)} is taken by another process; set another PORT`;
  if (code === 'EACCES')
    return `PORT ${String(port)} needs more rights than this process has; set a PORT from 1024`;
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND')
    return `HOST is no address of this machine (${code}); set HOST to one that is`;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

function readArguments(): { help: boolean } {
  const { values } = parseArgs({ options: { help: { type: 'boolean', short: 'h', default: false } } });
  return values;
}

try {
  if (readArguments().help) process.stdout.write(usage());
  else await start();
} catch (error) {
  process.stderr.write(`${explain(error)}\n`);
  process.exit(1);
}
