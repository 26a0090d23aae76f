import { writeSync } from 'node:fs';
import { Module } from '@nestjs/common';
import pino, { type DestinationStream } from 'pino';
import { CONFIG, type Config } from '../config/config.js';
import { LogBuffer } from './log-buffer.js';
import { PinoLog } from './pino-log.js';

/** Lines are dropped past this size when nobody reads them. */
const MAX_BUFFERED_BYTES = 16 * 2 ** 20;

/** Logs by pino: readable lines on a terminal, JSON lines otherwise. Nothing is done per request. */
@Module({
  providers: [
    {
      provide: PinoLog,
      inject: [CONFIG],
      useFactory: async (config: Config) =>
        new PinoLog(pino({ level: config.LOG_LEVEL }, await destination())),
    },
  ],
})
export class LoggingModule {}

async function destination(): Promise<DestinationStream> {
  if (process.stdout.isTTY) {
    const { default: pretty } = await import('pino-pretty');
    return pretty({
      sync: true,
      singleLine: true,
      ignore: 'pid,hostname,context',
      translateTime: 'SYS:HH:MM:ss.l',
    });
  }
  const sink = pino.destination({ sync: false, maxLength: MAX_BUFFERED_BYTES });
  const flushSync = sink.flushSync.bind(sink);
  const buffer = new LogBuffer(sink);
  // Pino calls it at exit. It would try for ever to write to a socket that nobody reads any more.
  sink.flushSync = () => {
    buffer.flush();
    if (isOpen(process.stdout.fd)) flushSync();
  };
  return buffer;
}

function isOpen(fd: number): boolean {
  try {
    writeSync(fd, '');
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EAGAIN';
  }
}
