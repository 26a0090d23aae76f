import { ConfigService } from '@nestjs/config';
import { LoggerModule } from 'nestjs-pino';
import pino, { type DestinationStream } from 'pino';
import pretty from 'pino-pretty';
import type { Config } from '../config/config.js';

/** Lines wait at most this long in memory, and are dropped past this size when nobody reads them. */
const FLUSH_MS = 100;
const MAX_BUFFERED_BYTES = 16 * 2 ** 20;

/** Logs by pino: readable lines on a terminal, JSON lines otherwise. Nothing is done per request. */
export const LoggingModule = LoggerModule.forRootAsync({
  inject: [ConfigService],
  useFactory: (config: ConfigService<Config, true>) => ({
    pinoHttp: [{ level: config.get('LOG_LEVEL', { infer: true }) }, destination()],
    forRoutes: [],
  }),
});

function destination(): DestinationStream {
  if (process.stdout.isTTY)
    return pretty({
      sync: true,
      singleLine: true,
      ignore: 'pid,hostname,context',
      translateTime: 'SYS:HH:MM:ss.l',
    });
  return pino.destination({
    sync: false,
    minLength: 4096,
    periodicFlush: FLUSH_MS,
    maxLength: MAX_BUFFERED_BYTES,
  });
}
