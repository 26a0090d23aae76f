import { ConfigService } from '@nestjs/config';
import { LoggerModule } from 'nestjs-pino';
import pino, { type DestinationStream } from 'pino';
import pretty from 'pino-pretty';
import type { Config } from '../config/config.js';
import { LogBuffer } from './log-buffer.js';

/** Lines are dropped past this size when nobody reads them. */
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
  return new LogBuffer(pino.destination({ sync: false, maxLength: MAX_BUFFERED_BYTES }));
}
