import { Logger } from '@nestjs/common';
import type { LogKind } from './log-kinds.js';

/** A logger for lines of one kind. */
export function loggerOf(kind: LogKind): Logger {
  return new Logger(kind);
}
