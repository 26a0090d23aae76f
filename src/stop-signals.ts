import type { EventEmitter } from 'node:events';

/** Signals that ask the service to stop. */
const STOP_SIGNALS = ['SIGTERM', 'SIGINT'] as const;
/** How often a process under npm looks whether its parent is there. */
const PARENT_CHECK_MS = 500;

type Target = Pick<EventEmitter, 'on'> & Pick<NodeJS.Process, 'exit'>;

/** Sets the function that a stop calls from now on. It resolves when the service has stopped; the process ends then. */
export type OnStop = (stop: () => Promise<void>) => void;

/**
 * Listens for stop signals until the process ends. Listeners are never removed: a signal that comes while the thread is
 * busy is told later, to whoever listens then.
 *
 * Until the start says what a stop is, a signal ends the process at once: nothing was accepted yet, and what was left
 * of before is safe in the journal. The first signal counts; a second one must not kill what the first lets end.
 */
export function listenForStop(target: Target = process): OnStop {
  let end = (): void => {
    target.exit(0);
  };
  for (const signal of STOP_SIGNALS)
    target.on(signal, () => {
      end();
    });
  return (stop) => {
    end = () => {
      end = () => undefined;
      stop().then(
        () => target.exit(0),
        () => target.exit(1),
      );
    };
  };
}

/** npm passes SIGTERM to its shell, which dies of it without a word: under npm, the end of the parent is the signal. */
export function stopWithNpm(): void {
  if (process.env.npm_lifecycle_event === undefined) return;
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent) process.kill(process.pid, 'SIGTERM');
  }, PARENT_CHECK_MS).unref();
}
