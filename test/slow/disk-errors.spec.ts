import { cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { v7 as uuid } from 'uuid';
import type { NewEvent } from '../../src/core/events.js';
import { JournalProcess } from '../support/journal-process.js';
import { RecordedDisk } from '../support/recorded-disk.js';
import { ReplayedDisk } from '../support/replayed-disk.js';
import { ServiceProcess } from '../support/service-process.js';
import { temporaryDirectory } from '../support/temporary-directory.js';
import { openAfterwards, toldBy, type ToldRun } from '../support/told-runs.js';

/** What the service logs of an error that it didn't foresee. */
const MUDDLE = /nothing (caught|handled)|^The stop failed/;
/** So many runs in a row that meet no fault, although the next call of theirs should fail, have fewer calls than that. */
const QUIET_RUNS = 3;
/** Of so many calls one fails, from a random one on. With DISK_ERRORS_STEP=1 each of them does, which takes three times as long. */
const STEP = Number(process.env.DISK_ERRORS_STEP ?? 3);
/** So often a fault may be met that the service gets over. */
const MOST_TRIES = 500;

if (RecordedDisk.obstacle !== undefined)
  process.stdout.write(`The tests of disk errors are left out: ${RecordedDisk.obstacle}\n`);
const describeHere = RecordedDisk.obstacle === undefined ? describe : describe.skip;

describeHere('when any one call on the files of the journal fails', () => {
  const root = temporaryDirectory();
  let directory: string;
  let disk: RecordedDisk;
  let service: ServiceProcess | undefined;
  let journal: JournalProcess | undefined;
  let count = 0;
  beforeEach(() => {
    directory = join(root, String((count += 1)));
    mkdirSync(directory);
    disk = new RecordedDisk(directory);
  });
  afterEach(async () => {
    await service?.stop('SIGKILL');
    await journal?.kill();
    disk.remove();
  });

  test.each(['EIO', 'ENOSPC'] as const)(
    'the service answers 503 at worst, goes on, and loses nothing that it told: %s',
    async (error) => {
      const env = {
        DATABASE_URL: `sqlite:${directory}/runs.db`,
        DEMO_TIME_SCALE: '0.001',
        LOG_LEVEL: 'info',
      };
      const current = (service = await ServiceProcess.start({ env: { ...env, ...disk.env } }));
      const statuses = new Set<number>();
      const ask = async (path: string, method = 'GET') => {
        const headers = { 'Accept-Encoding': 'identity' };
        const response = await fetch(current.url + path, { method, headers });
        statuses.add(response.status);
        return { status: response.status, body: (await response.json()) as { runId: string } };
      };
      /** Until the service has got over the fault. */
      const answered = async (path: string, method?: string) => {
        for (let tries = 0; tries < MOST_TRIES; tries += 1) {
          const { status, body } = await ask(path, method);
          if (status === 200) return body;
          await delay(20);
        }
        throw new Error(`No answer after call ${n} failed: ${JSON.stringify(current.lines.slice(-5))}`);
      };
      let quiet = 0;
      let rounds = 0;
      const first = firstCall();
      let n = first - STEP;
      while (quiet < QUIET_RUNS) {
        rounds += 1;
        disk.failAt((n += STEP), error);
        const { runId } = await answered('/tasks/demo/runs', 'POST');
        await answered('/events?limit=10');
        await answered(`/runs/${runId}`);
        quiet = disk.failed ? 0 : quiet + 1;
      }
      disk.failAt(0, error);
      expect(current.lines.filter(({ msg }) => MUDDLE.test(msg))).toEqual([]);
      // SQLite takes a page that can’t be read for a damaged one.
      expect(current.lines.filter(({ msg }) => msg.startsWith('The journal is damaged'))).toEqual([]);
      expect(current.ended).toBe(false);
      await current.stop('SIGKILL');
      process.stdout.write(
        `Every ${STEP}th of ${n} calls from call ${first} failed with ${error}; the service answered ${[...statuses].join(', ')}\n`,
      );
      expect([...statuses].sort()).toEqual([200, 503]);

      const calls = disk.calls();
      const told: ToldRun[] = [];
      const replayed = new ReplayedDisk(directory);
      for (const call of calls) {
        replayed.take(call);
        const run = call.operation === 'told' ? toldBy(call.data.toString()) : undefined;
        if (run) told.push(run);
      }
      expect(told.length).toBeGreaterThan(rounds);
      replayed.leaveSynced(join(root, error));
      const sound = { lost: [], flaws: [] };
      expect(await openAfterwards(join(root, error, 'runs.db'), 'power', told)).toEqual(sound);
      expect(await openAfterwards(join(directory, 'runs.db'), 'power', told)).toEqual(sound);
    },
    600_000,
  );

  test('a start is refused in plain words at worst, and the next one finds all that was told', async () => {
    const started = (runId: string): NewEvent => ({
      type: 'run.started',
      runId,
      task: 'demo',
      data: { input: {}, replyPolicy: { policy: 'first-success' }, losers: 'continue', subTasks: ['first'] },
    });
    const told = [uuid(), uuid()];
    const killed = (journal = await JournalProcess.start());
    mkdirSync(join(root, 'killed'));
    expect(await killed.open(join(root, 'killed', 'runs.db'))).toBe('done');
    for (const id of told) expect(await killed.append(started(id))).toBe('done');
    await killed.kill();

    journal = await JournalProcess.start({ env: disk.env });
    const answers = new Set<string>();
    for (let n = firstCall(), reached = true; reached; n += STEP) {
      const path = join(directory, String(n), 'runs.db');
      cpSync(join(root, 'killed'), join(directory, String(n)), { recursive: true });
      disk.failAt(n, 'EIO');
      const answer = await journal.open(path);
      reached = disk.failed;
      disk.failAt(0, 'EIO');
      answers.add(answer.replace(path, '…'));
      if (answer !== 'done') expect(await journal.open(path)).toBe('done');
      expect(await journal.append(started(uuid()))).toBe('done');
      expect(await journal.close()).toBe('done');
      const runs = told.map((id) => ({ id, status: 'running' as const }));
      expect(await openAfterwards(path, 'power', runs)).toEqual({ lost: [], flaws: [] });
    }
    process.stdout.write(`The starts were answered ${[...answers].join('\n')}\n`);
    for (const answer of answers) expect(answer).toMatch(/^(done$|DatabaseError: )/);
    expect(answers.size).toBeGreaterThan(1);
  }, 600_000);
});

function firstCall(): number {
  return 1 + Math.floor(Math.random() * STEP);
}
