import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { z } from 'zod';
import type { whatIfSchema } from '../../../src/what-if/what-if.schemas.js';
import { MOST_WAITING } from '../../../src/what-if/what-ifs.js';
import { ControlledTask } from '../../support/controlled-task.js';
import { DurableService } from '../../support/durable-service.js';
import { expectProblem } from '../../support/problem.js';
import type { TestApp } from '../../support/test-app.js';
import { ToldLog } from '../../support/told-log.js';

type WhatIf = z.output<typeof whatIfSchema>;

const PATH = '/tasks/read/stats/what-if';
const read = new ControlledTask(
  'read',
  { first: {}, second: { start: { after: '100ms' } } },
  { hedgeBudget: '100%' },
);

async function whatIf(service: TestApp, query = ''): Promise<WhatIf> {
  return (await service.http.get(`${PATH}${query}`).expect(200)).body as WhatIf;
}

/** 100 runs of `read`, of which ten were slow and hedged, beside as many of another task. */
function past(): ToldLog {
  const log = new ToldLog();
  const at = Date.now() - 600_000;
  for (let n = 0; n < 100; n += 1) {
    const run = log.run({ task: 'read', subTasks: ['first', 'second'], at: at + n }).started(0, 'first');
    if (n % 10 > 0) run.succeeded(20, 'first').replied(20.4, 'first').skipped(20, 'second').finished(20);
    else {
      run.hedged(100, 'second').succeeded(130, 'second').replied(130.4, 'second');
      run.succeeded(800, 'first').finished(800);
    }
    log.reply(5, { task: 'demo', at });
  }
  return log;
}

describe('GET /tasks/<name>/stats/what-if', () => {
  let durable: DurableService;
  beforeEach(() => {
    durable = new DurableService();
  });
  afterEach(() => durable.end());

  /** A service whose journal has these runs. */
  async function withPast({ events }: ToldLog): Promise<TestApp> {
    const now = Date.now();
    await durable.database.write(
      events.map(({ id: _id, time, ...event }) => ({ ...event, agoMs: now - Date.parse(time) })),
    );
    return durable.start(read.providers);
  }

  test('replays what the journal has of the task, under its own rule and under others', async () => {
    const service = await withPast(past());
    const declared = await whatIf(service);
    const { actual, replayed, window, ...rest } = declared;
    expect(rest).toMatchObject({
      task: 'read',
      runs: 100,
      leftOut: 0,
      rule: { start: 'declared', afterMs: 100, hedgeBudget: 1 },
      confidence: { known: 100, drawn: 0 },
    });
    expect(actual).toMatchObject({ errors: 0, extraStarts: 10, extraStartShare: 0.1 });
    expect(actual.replyMs).toEqual({ p50: 20.4, p90: 20.4, p99: 130.4, 'p99.9': 130.4 });
    expect(replayed.replyMs).toEqual(actual.replyMs);
    expect(Date.parse(window!.to) - Date.parse(window!.from)).toBeGreaterThanOrEqual(99);
    const { rule, ...p90 } = await whatIf(service, '?start=p90&budget=5%25');
    expect(rule).toEqual({ start: 'p90', afterMs: 20.4, hedgeBudget: 0.05 });
    expect(p90.replayed.extraStarts).toBeLessThanOrEqual(5);
    expect(p90.replayed.heldBack).toBeGreaterThanOrEqual(5);
    const without = p90.curve.find(({ start }) => start === 'after-failure');
    expect(without).toMatchObject({ extraStarts: 0, known: 100 });
    expect(Math.abs(without!.replyMs.p99! - 800.4)).toBeLessThan(5);
    expect(p90.curve.find(({ start }) => start === 'p90')).toMatchObject({ extraStarts: 10 });
    expect(await whatIf(service, '?runs=7')).toMatchObject({ runs: 7 });
  });

  test('refuses what is no rule, and a task that there is none of', async () => {
    const service = await durable.start(read.providers);
    expect(await whatIf(service)).toMatchObject({
      runs: 0,
      window: null,
      replayed: { extraStartShare: null },
    });
    for (const query of ['start=soon', 'start=p100', 'budget=5', 'runs=10001', 'runs=0', 'rule=p90'])
      await expectProblem(service, await service.http.get(`${PATH}?${query}`), 400, 'invalid-request');
    const unknown = await service.http.get('/tasks/none/stats/what-if');
    await expectProblem(service, unknown, 404, 'task-unknown');
  });

  test('answers one question at a time, the same ones together, and refuses too many', async () => {
    const service = await withPast(past());
    const starts = Array.from({ length: MOST_WAITING + 6 }, (_, n) => `${n}ms`);
    const asked = await Promise.all(
      [...starts, '0ms', '0ms'].map((start) => service.http.get(`${PATH}?start=${start}`)),
    );
    const refused = asked.filter(({ status }) => status !== 200);
    expect(refused.length).toBeGreaterThan(0);
    for (const answer of refused) await expectProblem(service, answer, 503, 'overloaded');
    expect(asked.at(-1)!.status).toBe(200);
  });
});
