import { beforeEach, describe, expect, test } from '@jest/globals';
import { EventEmitter2 } from '@nestjs/event-emitter';
import type { RunEvent } from '../../core/events.js';
import { EventBus } from '../../events/event-bus.js';
import type { JournaledRun } from '../../run/journaled-run.js';
import { LogTail } from './log-tail.js';

describe('the tail of the log that nodes share', () => {
  let log: RunEvent[];
  let tail: LogTail;
  let bus: EventBus;
  let told: string[];
  /** Called when the log is read. */
  let onRead: () => void;
  beforeEach(() => {
    log = [];
    told = [];
    onRead = () => undefined;
    bus = new EventBus(new EventEmitter2());
    const read = async (after: number, upTo: number, runs: 'all' | readonly string[]) => {
      await Promise.resolve();
      onRead();
      const events = log.filter(
        ({ id, runId }) => id > after && id <= upTo && (runs === 'all' || runs.includes(runId)),
      );
      return {
        rows: events.map((event) => ({ first: event.id, events: [event] })),
        next: upTo,
      };
    };
    tail = new LogTail(bus, read, 0);
  });

  const commit = (type: RunEvent['type'], runId: string): RunEvent => {
    const event = { id: log.length + 1, type, runId } as RunEvent;
    log.push(event);
    return event;
  };
  const own = (...events: RunEvent[]) => {
    tail.add([{ first: events[0]?.id ?? 0, events }]);
  };
  const runThatKnows = (id: string, lastEventId: number) => {
    const run = {
      id,
      commits: [],
      originFields: {},
      lastEventId,
      committed: (event: RunEvent) => {
        run.lastEventId = event.id;
        told.push(`${event.id} ${event.type}`);
      },
    };
    return run as unknown as JournaledRun;
  };
  const turn = () => new Promise((resolve) => setImmediate(resolve));

  test('tells a run that was reopened here of its next end, though it has not shown the one before', async () => {
    commit('run.finished', 'r1');
    const reopened = commit('run.reopened', 'r1');
    tail.follow(runThatKnows('r1', reopened.id));
    own(reopened);
    await turn();
    commit('sub-task.failed', 'r1');
    tail.hear(3);
    await turn();
    commit('run.finished', 'r1');
    tail.hear(4);
    await turn();
    expect(told).toEqual(['3 sub-task.failed', '4 run.finished']);
  });

  test('tells a run that becomes shared of what this node commits meanwhile, though others were heard before', async () => {
    const started = commit('run.started', 'r1');
    commit('run.started', 'r2');
    // Nobody wants anything of it.
    tail.hear(2);
    tail.follow(runThatKnows('r1', 0));
    own(started);
    await turn();
    expect(told).toEqual(['1 run.started']);
  });

  test('tells it too where the log is being read for others', async () => {
    bus.watch('r2', () => undefined);
    const started = commit('run.started', 'r1');
    commit('run.started', 'r2');
    onRead = () => {
      tail.follow(runThatKnows('r1', 0));
      own(started);
    };
    tail.hear(2);
    await turn();
    expect(told).toEqual(['1 run.started']);
  });

  test('tells a run of all that is committed before somebody reads it, though it has not heard of that', async () => {
    tail.follow(runThatKnows('r1', 0));
    commit('run.started', 'r1');
    await tail.catchUp('r1', () => Promise.resolve(log.length));
    expect(told).toEqual(['1 run.started']);
    commit('sub-task.failed', 'r1');
    onRead = () => {
      throw new Error('away');
    };
    const caughtUp = tail.catchUp('r1', () => Promise.resolve(log.length));
    await expect(caughtUp).resolves.toBeUndefined();
    await tail.catchUp('r2', () => Promise.reject(new Error('is asked for no other run')));
  });

  test('shows what it hears of twice in one turn', async () => {
    const shown: number[] = [];
    bus.watchAll((events) => shown.push(...events.map(({ id }) => id)));
    own(commit('run.started', 'r1'));
    own(commit('run.started', 'r2'));
    await turn();
    expect(shown).toEqual([1, 2]);
  });
});
