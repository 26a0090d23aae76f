import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { Runs } from '../../../src/run/runs.js';
import type { RunEvent } from '../../../src/core/events.js';
import { DurableService } from '../../support/durable-service.js';
import { inlineTask } from '../../support/inline-task.js';
import { PastRun } from '../../support/past-run.js';

const RUNS = 3_000;
const SLOTS = 10;
/** How many may wait for a slot: half of these are left to new runs. */
const QUEUE = 100;

describe('thousands of runs that are left unfinished', () => {
  let durable: DurableService;
  beforeEach(() => {
    durable = new DurableService();
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    await durable.end();
  });

  test('are resumed as slots get free, while the service is ready and answers new runs', async () => {
    const gate = Promise.withResolvers<string>();
    const pass = { run: () => gate.promise };
    const crowd = inlineTask('crowd', { a: pass, b: pass, c: pass });
    await durable.leave(
      ...Array.from({ length: RUNS }, () => new PastRun('crowd', ['a', 'b', 'c']).started('a')),
    );
    const env = { MAX_CONCURRENT_SUB_TASKS: String(SLOTS), MAX_QUEUED_RUNS: String(QUEUE) };
    const resume = jest.spyOn(Runs.prototype, 'resume');

    const before = await durable.start(crowd, env);
    const begun = () => before.events.filter(({ type }) => type === 'sub-task.started');
    await before.until(() => begun()[SLOTS - 1]);
    for (let request = 0; request < 50; request += 1) await before.http.get('/health/ready').expect(200);
    expect(begun()).toHaveLength(SLOTS);
    expect(resume.mock.calls.length).toBeLessThan(QUEUE / 2 + SLOTS);
    const accepted = before.run('demo');
    const { runId } = await before.until(() =>
      before.events.find((event) => event.type === 'run.started' && event.task === 'demo'),
    );
    await durable.stop();
    expect((await accepted).body).toMatchObject({ type: '/problems/stopping', runId });

    const service = await durable.start(crowd, env);
    const answer = service.answer('demo');
    const isAnotherRun = (event: RunEvent) => event.task === 'demo' && event.runId !== runId;
    await service.until(() => service.events.find(isAnotherRun));
    gate.resolve('passed');
    expect((await answer).result).toBe('First result');
    const replied = service.events.findIndex((event) => event.type === 'run.replied' && isAnotherRun(event));
    const finished = (events: readonly RunEvent[]) =>
      events.filter(({ type }) => type === 'run.finished').length;
    expect(finished(service.events.slice(0, replied))).toBeLessThan(RUNS / 2);
    const isLast = () => service.events.at(-1)?.type === 'run.finished';
    // Besides them, that which the stop cut off and that which was answered.
    await service.until(() => (isLast() && finished(service.events) === RUNS + 2) || undefined);
    expect((await service.showRun(runId)).status).toBe('succeeded');
    await durable.stop();
    expect(durable.database.flaws()).toEqual([]);
  });
});
