import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { Random } from '../crash/random.js';
import { RecordedDisk } from '../support/recorded-disk.js';
import { ReplayedDisk } from '../support/replayed-disk.js';
import { ServiceProcess } from '../support/service-process.js';
import { temporaryDirectory } from '../support/temporary-directory.js';
import { openAfterwards, toldBy, type ToldRun } from '../support/told-runs.js';

const CALLERS = 4;
const RUNS_OF_EACH = 2;

if (RecordedDisk.obstacle !== undefined)
  process.stdout.write(`The tests of power cuts are left out: ${RecordedDisk.obstacle}\n`);
const describeHere = RecordedDisk.obstacle === undefined ? describe : describe.skip;

/** Two lives of the service, the first of which ends by a kill, and all that a power cut may leave after each call of theirs. */
describeHere('a power cut at any moment', () => {
  const root = temporaryDirectory();
  async function live(disk: RecordedDisk, env: Readonly<Record<string, string>>, end: NodeJS.Signals) {
    const service = await ServiceProcess.start({ env: { ...env, ...disk.env } });
    const get = (path: string, init: RequestInit = {}) =>
      fetch(service.url + path, { ...init, headers: { 'Accept-Encoding': 'identity' } });
    const call = async (): Promise<void> => {
      for (let run = 0; run < RUNS_OF_EACH; run += 1) {
        const answer = await get('/tasks/demo/runs', { method: 'POST' });
        const { runId } = (await answer.json()) as { runId: string };
        // One caller sees its runs end; those of others may be unfinished at the end.
        if (run === 0) await service.finishedRun(runId);
        await (await get(`/runs/${runId}`)).text();
      }
    };
    await Promise.all(Array.from({ length: CALLERS }, call));
    await service.stop(end);
  }

  async function record(durability: 'power' | 'process') {
    const directory = join(root, durability);
    mkdirSync(directory);
    const disk = new RecordedDisk(directory);
    const env = {
      DATABASE_URL: `sqlite:${directory}/runs.db`,
      JOURNAL_DURABILITY: durability,
      DEMO_TIME_SCALE: '0.01',
      SHUTDOWN_GRACE: '10s',
    };
    await live(disk, env, 'SIGKILL');
    await live(disk, env, 'SIGTERM');
    const calls = disk.calls();
    disk.remove();
    return { directory, calls };
  }

  /** What every power cut in a run of the service would have lost. */
  async function cutEverywhere(durability: 'power' | 'process') {
    const { directory, calls } = await record(durability);
    const disk = new ReplayedDisk(directory);
    const seed = Math.floor(Math.random() * 2 ** 32);
    const random = new Random(seed);
    const told: ToldRun[] = [];
    const failures: unknown[] = [];
    let [cuts, losses] = [0, 0];
    const cut = async (at: number, leave: (left: string) => void): Promise<void> => {
      const left = join(root, 'left');
      leave(left);
      cuts += 1;
      try {
        const { lost, flaws } = await openAfterwards(join(left, 'runs.db'), durability, told);
        losses += lost.length;
        const excused = durability === 'process' ? lost : [];
        if (lost.length + flaws.length > excused.length) failures.push({ at, lost, flaws });
      } catch (error) {
        failures.push({ at, error });
      }
      rmSync(left, { recursive: true });
    };
    const synced = (left: string): void => disk.leaveSynced(left);
    for (const [at, call] of calls.entries()) {
      if (call.operation === 'sync') await cut(at, synced);
      const run = call.operation === 'told' ? toldBy(call.data.toString()) : undefined;
      if (run) told.push(run);
      if (disk.take(call) && call.operation !== 'sync') await cut(at, (left) => disk.leaveTorn(left, random));
    }
    await cut(calls.length, synced);
    process.stdout.write(
      `${cuts} power cuts with durability ${durability} lost ${losses} of what was told in ${told.length} answers\n`,
    );
    return { seed, told: told.length, losses, failures: failures.slice(0, 3) };
  }

  test('loses nothing that was told, with durability power', async () => {
    const { told, ...found } = await cutEverywhere('power');
    expect(told).toBeGreaterThan(CALLERS * RUNS_OF_EACH * 2);
    expect(found).toEqual({ seed: found.seed, losses: 0, failures: [] });
  }, 600_000);

  test('loses something with durability process, and the database is whole all the same', async () => {
    const { losses, failures } = await cutEverywhere('process');
    expect(losses).toBeGreaterThan(0);
    expect(failures).toEqual([]);
  }, 600_000);
});
