import type { JournaledRun } from '../../src/run/journaled-run.js';

/** A run for a journal that nobody executes, and that is told of nothing. @param about what `aboutRun` says of it */
export function silentRun(id: string, about: string): JournaledRun {
  const silent = (): void => undefined;
  return {
    id,
    about,
    number: undefined,
    commits: [],
    shared: false,
    lastEventId: 0,
    lastMs: 0,
    repliedMs: 0,
    answeredBy: null,
    originFields: {},
    committed: silent,
    refused: silent,
  };
}
