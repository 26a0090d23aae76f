import type { EventEmitter } from 'node:events';

/** What asks the service to stop. */
export const STOP_SIGNALS: string[] = ['SIGTERM', 'SIGINT'];

type Target = Pick<EventEmitter, 'once' | 'off'> & Pick<NodeJS.Process, 'exit'>;

/**
 * Ends the process at once when it is told to stop before it has started. Nothing was accepted yet, and what was left of
 * before is safe in the journal: there is nothing to wait for.
 *
 * @returns what ends that
 */
export function endAtStopSignals(target: Target = process): () => void {
  const end = (): void => {
    target.exit(0);
  };
  for (const signal of STOP_SIGNALS) target.once(signal, end);
  return () => {
    for (const signal of STOP_SIGNALS) target.off(signal, end);
  };
}
