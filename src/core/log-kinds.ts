/** What log lines are about: the context of each, and what LOG_LEVELS sets levels for. */
export const LOG_KINDS = [
  'service',
  'request',
  'run',
  'sub-task',
  'webhook',
  'breaker',
  'journal',
  'node',
  'statistics',
  'telemetry',
  'listener',
  'nest',
] as const;

export type LogKind = (typeof LOG_KINDS)[number];

/** From the most severe on; `silent` leaves out all. */
export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;

export type LogLevel = (typeof LOG_LEVELS)[number];

export type LogLevels = Readonly<Partial<Record<LogKind, LogLevel>>>;

/** The least severe lines of a kind that are logged. */
export function levelOf(
  kind: LogKind,
  { LOG_LEVEL, LOG_LEVELS }: { readonly LOG_LEVEL: LogLevel; readonly LOG_LEVELS: LogLevels },
): LogLevel {
  // Nest’s own lines of a start say nothing that a user of the service needs.
  return LOG_LEVELS[kind] ?? (kind === 'nest' ? leastOf(LOG_LEVEL, 'warn') : LOG_LEVEL);
}

/** Whether lines of a level are logged where `least` is the least severe that are. */
export function shows(least: LogLevel, level: Exclude<LogLevel, 'silent'>): boolean {
  return least !== 'silent' && LOG_LEVELS.indexOf(level) <= LOG_LEVELS.indexOf(least);
}

function leastOf(one: LogLevel, other: Exclude<LogLevel, 'silent'>): LogLevel {
  return shows(one, other) ? other : one;
}
