import type { EventEmitter } from 'node:events';
import { closeSync, openSync } from 'node:fs';

/** Sets the function that a reload calls from now on. */
export type OnReload = (reload: () => void) => void;

type Target = Pick<EventEmitter, 'on' | 'emit'> & Pick<NodeJS.Process, 'platform'>;

/**
 * Listens for SIGHUP until the process ends: a reload. One that comes while the service starts is done when it has.
 *
 * A terminal that is closed sends SIGHUP too, and is gone then: that is a stop, as SIGTERM is. Windows knows no other SIGHUP.
 *
 * @param hasTerminal whether the process has a terminal at the moment
 */
export function listenForReload(target: Target = process, hasTerminal = isInTerminal): OnReload {
  let pending = false;
  let reload = (): void => {
    pending = true;
  };
  if (target.platform === 'win32') return () => undefined;
  const beganInTerminal = hasTerminal();
  target.on('SIGHUP', () => {
    if (beganInTerminal && !hasTerminal()) target.emit('SIGTERM');
    else reload();
  });
  return (action) => {
    reload = action;
    if (pending) action();
  };
}

function isInTerminal(): boolean {
  try {
    closeSync(openSync('/dev/tty', 'r'));
    return true;
  } catch {
    return false;
  }
}
