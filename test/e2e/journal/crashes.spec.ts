import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Response } from 'supertest';
import type { NewEvent } from '../../../src/core/events.js';
import { askFor } from '../../support/ask-for-faults.js';
import { DurableService } from '../../support/durable-service.js';
import { JournalProcess } from '../../support/journal-process.js';
import { PastRun } from '../../support/past-run.js';
import { ServiceProcess } from '../../support/service-process.js';
import type { TestApp } from '../../support/test-app.js';

/** Of the requests that are under way at once. */
const BURST = 40;

/** What is ended is a process of its own; what goes on with its database then runs in this one. */
describe('a service that is ended', () => {
  let durable: DurableService;
  let ended: ServiceProcess | JournalProcess | undefined;
  beforeEach(() => {
    durable = new DurableService();
  });
  afterEach(async () => {
    if (ended instanceof ServiceProcess) await ended.stop('SIGKILL');
    else await ended?.kill();
    ended = undefined;
    await durable.end();
  });

  async function startProcess(env: Readonly<Record<string, string>>): Promise<ServiceProcess> {
    const service = await ServiceProcess.start({ env: { DATABASE_URL: durable.database.url, ...env } });
    ended = service;
    return service;
  }

  async function startJournal(): Promise<JournalProcess> {
    const journal = await JournalProcess.start({ faults: durable.database });
    ended = journal;
    return journal;
  }

  /** Starts many runs at once, and calls `end` at one of the replies; resolves with all replies that came. */
  async function burst({ http }: Pick<TestApp, 'http'>, endAt: number, end: () => void): Promise<Response[]> {
    const replies: Response[] = [];
    const take = (response: Response): void => {
      if (replies.push(response) === endAt) end();
    };
    const requests = Array.from({ length: BURST }, () => http.get('/run-tasks').then(take));
    await Promise.allSettled(requests);
    return replies;
  }

  const idOf = (reply: Response): string => reply.get('Location')!.slice('/runs/'.length);

  /** Proves that a service on the same database goes on with everything, and that what callers were told is true. */
  async function expectAllGoesOn(told: readonly Response[]): Promise<void> {
    const { database } = durable;
    const service = await durable.start();
    for (const reply of told) {
      const shown = await service.showRun(idOf(reply));
      const run = shown.finishedAt === null ? await service.finishedRun(shown.id) : shown;
      expect(run.status).toBe('succeeded');
      if (reply.status === 200) expect(run.reply).toMatchObject(reply.body as object);
    }
    const anotherIsOver = () => service.events.length === 0 || service.events.at(-1)?.type === 'run.finished';
    await service.until(() => (anotherIsOver() && database.unfinishedRuns() === 0) || undefined);
    await durable.stop();
    expect(database.flaws()).toEqual([]);
  }

  test('by kill -9 in the middle of a burst un-tells nothing, and the next goes on with the rest', async () => {
    const service = await startProcess({ DEMO_TIME_SCALE: '0.02' });
    const told = await burst(service, 20, () => service.signal('SIGKILL'));
    await service.stop('SIGKILL');
    expect(told.length).toBeGreaterThanOrEqual(20);

    // The next has a burst of its own while it goes on, and crashes at the first reply.
    const next = await durable.start([], { DEMO_TIME_SCALE: '0.02' });
    const [first] = await burst(next, 1, () => durable.crash());
    await expectAllGoesOn([...told, first!]);
  });

  test('by SIGTERM in the middle of a burst says what becomes of each run, and the next goes on with them', async () => {
    const service = await startProcess({ SHUTDOWN_GRACE: '10ms', DEMO_TIME_SCALE: '0.1' });
    const replies = await burst(service, 1, () => service.signal('SIGTERM'));
    expect(await service.stop()).toBe(0);
    for (const reply of replies.filter(({ status }) => status !== 200))
      expect(reply).toMatchObject({ status: 503, body: { type: '/problems/stopping' } });
    await expectAllGoesOn(replies.filter((reply) => reply.get('Location') !== undefined));
  });

  test.each([
    ['before', 0],
    ['after', 1],
  ] as const)('by kill -9 %s a commit goes on with what is committed', async (moment, runs) => {
    const run = new PastRun('demo', ['first', 'second', 'third']);
    const journal = await startJournal();
    expect(await journal.open(durable.database.path)).toBe('done');
    askFor(durable.database, moment, 'process: COMMIT');
    await expect(journal.append(run.events[0] as NewEvent)).rejects.toThrow(/SIGKILL/);
    await expectAllGoesOn([]);
    expect(durable.database.runs()).toBe(runs);
  });

  test('by kill -9 while it makes its database is none the worse for it', async () => {
    for (const statement of [
      'TABLE IF NOT EXISTS kysely_migration',
      'CREATE TABLE commits',
      'INSERT INTO kysely_migration',
    ]) {
      const journal = await startJournal();
      askFor(durable.database, 'after', `process: ${statement}`);
      await expect(journal.open(durable.database.path)).rejects.toThrow(/SIGKILL/);
    }
    const service = await durable.start();
    expect((await service.answer('demo')).result).toBe('First result');
  });
});
