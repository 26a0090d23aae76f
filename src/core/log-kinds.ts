/** Kinds of log lines. The kind is the line's context, and LOG_LEVELS sets a level for each kind. */
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

/** The most severe level first. `silent` logs nothing. */
export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;

export type LogLevel = (typeof LOG_LEVELS)[number];

export type LogLevels = Readonly<Partial<Record<LogKind, LogLevel>>>;

/** The least severe level at which lines of a kind are logged. */
export function levelOf(
  kind: LogKind,
  { LOG_LEVEL, LOG_LEVELS }: { readonly LOG_LEVEL: LogLevel; readonly LOG_LEVELS: LogLevels },
): LogLevel {
  // The lines that Nest writes at each start say nothing that a user of the service needs.
  return LOG_LEVELS[kind] ?? (kind === 'nest' ? leastOf(LOG_LEVEL, 'warn') : LOG_LEVEL);
}

/** Whether lines of a level are logged. @param least the least severe level that is logged */
export function shows(least: LogLevel, level: Exclude<LogLevel, 'silent'>): boolean {
  return least !== 'silent' && LOG_LEVELS.indexOf(level) <= LOG_LEVELS.indexOf(least);
}

function leastOf(one: LogLevel, other: Exclude<LogLevel, 'silent'>): LogLevel {
  return shows(one, other) ? other : one;
}
