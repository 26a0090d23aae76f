import type { LoggerService } from '@nestjs/common';
import { symbols, type DestinationStream, type Logger } from 'pino';
import { LOG_KINDS, type LogKind, type LogLevel } from '../core/log-kinds.js';

/** Contexts of Nest’s own loggers that write at a start. */
const NEST = [
  'InstanceLoader',
  'LegacyRouteConverter',
  'MiddlewareModule',
  'NestApplication',
  'NestFactory',
  'RouterExplorer',
  'RoutesResolver',
];

type Level = Exclude<LogLevel, 'silent'>;

/** Lines of one context. */
interface Lines {
  readonly pino: Logger;
  /** The text that follows the time in each line. */
  readonly head: string;
}

/**
 * Writes what Nest's loggers are given as lines of pino: a text, an error, or the fields of a line with their `msg`. Nest names the
 * context last, and before it, where an error has been made a text, its stack. The context of our own is the kind of the line, which
 * has a level of its own.
 */
export class PinoLog implements LoggerService {
  private readonly kinds: ReadonlyMap<unknown, Lines>;

  /**
   * @param stream where `pino` writes to
   * @param levelOf the least severe lines of a kind that are written; others go by the level of `pino`
   */
  constructor(
    private readonly pino: Logger,
    private readonly stream: DestinationStream,
    levelOf: (kind: LogKind) => LogLevel,
  ) {
    const lines = (context: string, level: LogLevel): Lines => {
      const child = pino.child({ context }, { level });
      const { [symbols.chindingsSym]: head } = child as unknown as Record<symbol, string>;
      return { pino: child, head: String(head) };
    };
    this.kinds = new Map([
      ...LOG_KINDS.map((kind) => [kind, lines(kind, levelOf(kind))] as const),
      ...NEST.map((context) => [context, lines(context, levelOf('nest'))] as const),
      // The caller of the start logs what has stopped it.
      ['ExceptionHandler', lines('ExceptionHandler', 'silent')],
    ]);
  }

  verbose(message: unknown, ...rest: readonly unknown[]): void {
    this.write('trace', message, rest);
  }

  debug(message: unknown, ...rest: readonly unknown[]): void {
    this.write('debug', message, rest);
  }

  log(message: unknown, ...rest: readonly unknown[]): void {
    this.write('info', message, rest);
  }

  warn(message: unknown, ...rest: readonly unknown[]): void {
    this.write('warn', message, rest);
  }

  error(message: unknown, ...rest: readonly unknown[]): void {
    this.write('error', message, rest);
  }

  fatal(message: unknown, ...rest: readonly unknown[]): void {
    this.write('fatal', message, rest);
  }

  private write(level: Level, message: unknown, rest: readonly unknown[]): void {
    const context = rest.at(-1);
    const lines = this.kinds.get(context);
    const line = lineOf(message, rest);
    if (!lines) this.pino[level]({ context, ...line });
    else if (lines.pino.isLevelEnabled(level)) this.writeFields(level, lines, line);
  }

  /** `JSON.stringify` takes a third of pino's time, because pino inspects each field. */
  private writeFields(level: Level, { pino, head }: Lines, line: object): void {
    const text = level === 'fatal' || 'err' in line ? undefined : jsonOf(line);
    if (text === undefined) pino[level](line);
    else
      this.stream.write(
        `{"level":${String(pino.levels.values[level])},"time":${Date.now()}${head},${text.slice(1)}\n`,
      );
  }
}

function lineOf(message: unknown, rest: readonly unknown[]): object {
  if (message instanceof Error) return { err: message };
  if (typeof message === 'object' && message !== null) return message;
  return { msg: message, stack: rest.length > 1 ? rest[0] : undefined };
}

/** Undefined for objects with other values than those of JSON: pino writes those. */
function jsonOf(line: object): string | undefined {
  try {
    const text = JSON.stringify(line) as string | undefined;
    return text?.startsWith('{"') ? text : undefined;
  } catch {
    return undefined;
  }
}
