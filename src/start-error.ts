import { AccessError } from './access/access-error.js';
import { ConfigError } from './config/config.js';
import { EnvFileError } from './config/env-file.js';
import { DatabaseError } from './journal/database-error.js';
import { TaskDeclarationError } from './tasks/declared.js';
import { TasksFileError } from './tasks-file/mistake.js';

/** Node's error for an address that it can’t listen on. */
interface ListenError extends NodeJS.ErrnoException {
  readonly address: string;
  readonly port: number;
}

/** Errors whose message says what to do. */
const mendable = [
  AccessError,
  ConfigError,
  EnvFileError,
  DatabaseError,
  TaskDeclarationError,
  TasksFileError,
];

/** Explains a failed start: in a line or two for mistakes that the user can mend, otherwise with a stack trace. */
export function explain(error: unknown): string {
  if (mendable.some((kind) => error instanceof kind)) return (error as Error).message;
  const { code, address, port, message, stack } = (error ?? {}) as Partial<ListenError>;
  if (code?.startsWith('ERR_PARSE_ARGS')) return `${String(message)}\nnpm start -- --help says what there is`;
  if (code === 'EADDRINUSE')
    return `PORT ${String(port)} on ${String(address)} is taken by another process; set another PORT`;
  if (code === 'EACCES')
    return `PORT ${String(port)} needs more rights than this process has; set a PORT from 1024`;
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND')
    return `HOST is no address of this machine (${code}); set HOST to one that is`;
  return stack ?? String(error);
}
