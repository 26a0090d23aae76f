import type { LoggerService } from '@nestjs/common';
import type { Logger } from 'pino';

/**
 * Writes what Nest's loggers are given as lines of pino: a text, an error, or the fields of a line with their `msg`. Nest names the
 * context last, and before it, where an error has been made a text, its stack.
 */
export class PinoLog implements LoggerService {
  constructor(private readonly pino: Logger) {}

  verbose(message: unknown, ...rest: readonly unknown[]): void {
    this.pino.trace(lineOf(message, rest));
  }

  debug(message: unknown, ...rest: readonly unknown[]): void {
    this.pino.debug(lineOf(message, rest));
  }

  log(message: unknown, ...rest: readonly unknown[]): void {
    this.pino.info(lineOf(message, rest));
  }

  warn(message: unknown, ...rest: readonly unknown[]): void {
    this.pino.warn(lineOf(message, rest));
  }

  error(message: unknown, ...rest: readonly unknown[]): void {
    this.pino.error(lineOf(message, rest));
  }

  fatal(message: unknown, ...rest: readonly unknown[]): void {
    this.pino.fatal(lineOf(message, rest));
  }
}

function lineOf(message: unknown, rest: readonly unknown[]): object {
  const context = rest.at(-1);
  if (message instanceof Error) return { context, err: message };
  if (typeof message === 'object') return { context, ...message };
  return { context, msg: message, stack: rest.length > 1 ? rest[0] : undefined };
}
