import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Response } from 'supertest';
import { DatabaseFile } from '../../support/database-file.js';
import { askFor, startFaulty } from '../../support/faulty-service.js';
import { type ServiceProcess } from '../../support/service-process.js';

/** Of the requests that are under way at once. */
const BURST = 40;

describe('a service that is ended', () => {
  let database: DatabaseFile;
  let service: ServiceProcess;
  beforeEach(() => {
    database = new DatabaseFile();
  });
  afterEach(async () => {
    await service.stop('SIGKILL');
    database.remove();
  });

  const start = async (env: Readonly<Record<string, string>> = {}) => {
    service = await startFaulty(database, { DEMO_TIME_SCALE: '0.02', ...env });
  };

  /** Starts many runs at once, and calls `end` at one of the replies; resolves with all replies that came. */
  async function burst(endAt: number, end: () => void): Promise<Response[]> {
    const replies: Response[] = [];
    const take = (response: Response): void => {
      if (replies.push(response) === endAt) end();
    };
    const requests = Array.from({ length: BURST }, () => service.http.get('/run-tasks').then(take));
    await Promise.allSettled(requests);
    return replies;
  }

  const idOf = (reply: Response): string => reply.get('Location')!.slice('/runs/'.length);

  /** Proves that a service on the same database goes on with everything, and that what callers were told is true. */
  async function expectAllGoesOn(told: readonly Response[]): Promise<void> {
    await start();
    for (const reply of told) {
      const run = await service.finishedRun(idOf(reply));
      expect(run.status).toBe('succeeded');
      if (reply.status === 200) expect(run.reply).toMatchObject(reply.body as object);
    }
    while (database.unfinishedRuns() > 0) await service.http.get('/health/ready').expect(200);
    expect(await service.stop()).toBe(0);
    expect(database.flaws()).toEqual([]);
  }

  test('by kill -9 in the middle of a burst un-tells nothing, and the next goes on with the rest', async () => {
    const told: Response[] = [];
    for (const endAt of [1, 20]) {
      await start();
      told.push(...(await burst(endAt, () => service.signal('SIGKILL'))));
      await service.stop('SIGKILL');
    }
    expect(told.length).toBeGreaterThanOrEqual(21);
    await expectAllGoesOn(told);
  });

  test('by SIGTERM in the middle of a burst says what becomes of each run, and the next goes on with them', async () => {
    await start({ SHUTDOWN_GRACE: '10ms', DEMO_TIME_SCALE: '0.1' });
    const replies = await burst(1, () => service.signal('SIGTERM'));
    expect(await service.stop()).toBe(0);
    for (const reply of replies.filter(({ status }) => status !== 200))
      expect(reply).toMatchObject({ status: 503, body: { type: '/problems/stopping' } });
    await expectAllGoesOn(replies.filter((reply) => reply.get('Location') !== undefined));
  });

  test.each(['before', 'after'] as const)(
    'by kill -9 %s a commit goes on with what is committed',
    async (moment) => {
      await start();
      askFor(database, moment, 'process: COMMIT');
      await expect(service.http.get('/run-tasks')).rejects.toThrow();
      await expectAllGoesOn([]);
      expect(database.runs()).toBe(moment === 'before' ? 0 : 1);
    },
  );

  test('by kill -9 while it makes its database is none the worse for it', async () => {
    for (const statement of ['"kysely_migration" (', '"events" (', 'insert into "kysely_migration" (']) {
      askFor(database, 'after', `process: ${statement}`);
      await expect(start()).rejects.toThrow(/Ended without/);
    }
    await start();
    await service.http.get('/run-tasks').expect(200);
  });
});
