import { writeSync } from 'node:fs';
import pino, { type DestinationStream } from 'pino';
import type { Config } from '../config/config.js';
import { levelOf } from '../core/log-kinds.js';
import { LogBuffer } from './log-buffer.js';
import { PinoLog } from './pino-log.js';

/** Lines are dropped past this size when nobody reads them. */
const MAX_BUFFERED_BYTES = 16 * 2 ** 20;

/** The log of the service, by pino: readable lines on a terminal, JSON lines otherwise. */
export async function openLog(config: Pick<Config, 'LOG_LEVEL' | 'LOG_LEVELS'>): Promise<PinoLog> {
  const stream = await destination();
  return new PinoLog(pino({ level: config.LOG_LEVEL }, stream), stream, (kind) => levelOf(kind, config));
}

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
