import { jest } from '@jest/globals';
import type { RunEvent } from '../../src/core/events.js';

interface Told {
  readonly events: readonly RunEvent[];
}

/** Lets time pass until a run has finished. @returns the event that says so */
export async function finish({ events }: Told): Promise<RunEvent> {
  while (events.at(-1)?.type !== 'run.finished') await jest.advanceTimersToNextTimerAsync();
  return events.at(-1)!;
}

/** What became of a sub-task, each with what it says of why. */
export function linesOf({ events }: Told, subTask: string): string[] {
  return events.flatMap((event) => {
    if (!('subTask' in event) || event.subTask !== subTask) return [];
    if ('reason' in event.data) return `${event.type}: ${event.data.reason}`;
    if ('error' in event.data) return `${event.type}: ${event.data.error.code}: ${event.data.error.message}`;
    return 'trigger' in event.data ? `${event.type}: ${event.data.trigger}` : event.type;
  });
}
