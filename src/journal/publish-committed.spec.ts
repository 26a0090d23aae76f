import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { Logger } from '@nestjs/common';
import type { RunEvent } from '../core/events.js';
import type { JournaledRun, JournalEntry } from '../run/journaled-run.js';
import { tellRuns } from './publish-committed.js';

describe('tellRuns', () => {
  afterEach(() => void jest.restoreAllMocks());

  const entry = (
    runId: string,
    committed: JournaledRun['committed'],
    part: Partial<JournaledRun> = {},
  ): JournalEntry => ({
    event: { id: 1, type: 'run.started', runId } as RunEvent,
    run: {
      id: runId,
      about: '',
      number: 1,
      commits: [],
      shared: false,
      lastEventId: 0,
      lastMs: 0,
      repliedMs: 0,
      answeredBy: null,
      originFields: { requestId: `of ${runId}` },
      committed,
      refused: () => undefined,
      ...part,
    },
  });

  test('takes no event from other runs when one throws', () => {
    const logged = jest.spyOn(Logger.prototype, 'error').mockReturnValue();
    const told: string[] = [];
    const tell = ({ runId }: RunEvent): void => void told.push(runId);
    const fail = (): void => {
      throw new Error('thrown');
    };
    tellRuns([entry('r1', fail), entry('r2', tell)]);
    expect(told).toEqual(['r2']);
    expect(logged).toHaveBeenCalledWith(expect.objectContaining({ runId: 'r1', requestId: 'of r1' }));
  });

  test('leaves those out that hear of their events in the order of the log', () => {
    const told: string[] = [];
    const tell = ({ runId }: RunEvent): void => void told.push(runId);
    tellRuns([entry('r1', tell, { shared: true }), entry('r2', tell)]);
    expect(told).toEqual(['r2']);
  });
});
