import { afterAll, afterEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { FuzzedService } from '../fuzz/fuzzed-service.ts';
import { requests, slowRequests } from '../fuzz/requests.ts';
import { worstRequests } from '../fuzz/worst-requests.ts';
import type { WireRequest } from '../fuzz/wire-request.ts';
import { DatabaseFile } from '../support/database-file.js';
import { tasksFiles } from '../support/tasks-file.js';

/** How long random requests are sent, and with which journals; FUZZ_SEED and FUZZ_PATH repeat what a failure prints. */
const { FUZZ_SECONDS = '2', FUZZ_JOURNALS = 'SQLite', FUZZ_SEED, FUZZ_PATH } = process.env;
const BUDGET_MS = Number(FUZZ_SECONDS) * 1_000;
/** What the 99th percentile of the event loop's delay may be, and what a request may compute in one go. */
const LONGEST_DELAY_MS = 50;
const SLOW_REQUESTS = 20;
/** How many of the worst requests are sent at once; which of them is slow is found out afterwards. */
const AT_ONCE = 8;

/** What only nodes that share a Postgres do. */
const OF_NODES = ['POST /admin/queue/redrive'];

describe('whatever it is sent, the service', () => {
  const database = new DatabaseFile();
  const chat = tasksFiles()(
    'tasks: { chat: { face: openai-chat, subTasks: [{ kind: class, class: FirstSubTask }] } }',
  );
  let service: FuzzedService;
  afterEach(() => service.stop('SIGKILL'));
  afterAll(() => {
    database.remove();
  });

  /** Sends the worst, then whatever fast-check makes, while slow requests trickle in; returns those that delayed the event loop. */
  async function fuzz(): Promise<WireRequest[]> {
    const { contract, known } = service;
    const suspects: WireRequest[] = [];
    let over = false;
    const trickle = async (request: WireRequest): Promise<void> => {
      while (!over) await service.send(request);
    };
    const check = async (...requests: readonly WireRequest[]): Promise<void> => {
      await Promise.all(requests.map((request) => service.send(request)));
      const { longest } = await service.loopDelay();
      if (longest > LONGEST_DELAY_MS) suspects.push(...requests);
    };
    // At the end of its time fast-check waits no more for the request that is under way.
    let underWay = Promise.resolve();
    const property = fc.asyncProperty(requests(contract, known), (request) => (underWay = check(request)));
    const sendAll = async (): Promise<void> => {
      const worst = worstRequests(contract, known);
      while (worst.length > 0) await check(...worst.splice(0, AT_ONCE));
      await fc.assert(property, {
        numRuns: Number.MAX_SAFE_INTEGER,
        interruptAfterTimeLimit: BUDGET_MS,
        ...(FUZZ_SEED !== undefined && { seed: Number(FUZZ_SEED) }),
        ...(FUZZ_PATH !== undefined && { path: FUZZ_PATH }),
      });
      await underWay;
    };
    const all = sendAll().finally(() => {
      over = true;
    });
    const slow = slowRequests(contract, known, SLOW_REQUESTS).map(trickle);
    const outcomes = await Promise.allSettled([all, ...slow]);
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
    return suspects;
  }

  /** What a request makes the event loop compute, in milliseconds: unlike a delay, hardly the doing of other processes. */
  async function costOf(request: WireRequest): Promise<number> {
    const costs: number[] = [];
    for (let time = 0; time < 3; time += 1) {
      await service.loopDelay();
      await service.send(request);
      costs.push((await service.loopDelay()).computed);
    }
    return Math.min(...costs);
  }

  const journals = [
    ['memory', 'memory:'],
    ['SQLite', database.url],
  ] as const;
  test.each(journals.filter(([name]) => FUZZ_JOURNALS.split(',').includes(name)))(
    'answers as its OpenAPI document says, logs no error, and keeps its event loop turning: with %s',
    async (name, databaseUrl) => {
      service = await FuzzedService.start(databaseUrl, chat);
      const suspects = await fuzz();
      const { p99 } = await service.loopDelay();
      const tally = [...service.tally].toSorted().map(([what, times]) => `${what}: ${times}`);
      process.stdout.write(`${name}, event loop delay p99 ${p99.toFixed(1)} ms; ${tally.join(', ')}\n`);

      await service.deleteWebhooks();
      for (const request of suspects) {
        if ((await costOf(request)) > LONGEST_DELAY_MS)
          throw new Error(`The event loop is held up by ${fc.stringify(request)}`);
      }
      expect(p99).toBeLessThan(LONGEST_DELAY_MS);
      expect(service.errors).toEqual([]);
      expect(service.withoutSuccess()).toEqual(OF_NODES);
      expect(await service.stop()).toBe(0);
      if (name === 'SQLite') expect(database.flaws()).toEqual([]);
    },
    4 * BUDGET_MS + 180_000,
  );
});
