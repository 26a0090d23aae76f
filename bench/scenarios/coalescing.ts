import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { Random } from '../../test/crash/random.ts';
import type { Options } from '../options.ts';
import { service } from '../servers/servers.ts';
import { Companion } from '../support/companion.ts';
import { chooseCores } from '../support/cores.ts';
import type { CrowdCommand, CrowdLap } from '../support/crowd-protocol.ts';
import { measureDisk } from '../support/disk.ts';
import type { Report } from '../support/results.ts';
import { ServerProcess } from '../support/server-process.ts';
import type { Stage } from '../support/stage.ts';
import {
  CALLERS,
  goals,
  notes,
  ONE_AFTER_ANOTHER,
  resultTable,
  SPREAD_MS,
  type CoalescingTurn,
} from './coalescing-report.ts';
import type { Scenario } from './scenario.ts';

export const coalescing: Scenario = {
  name: 'coalescing',
  summary:
    'what a thousand callers who ask the same wait, beside one who asks alone, and how often they make it call',
  play,
};

async function play(stage: Stage, options: Options): Promise<Report> {
  const directory = stage.makeDirectory(options.data);
  const disk = await measureDisk(stage, directory);
  const cores = chooseCores(stage);
  const crowd = new Companion<CrowdCommand, CrowdLap>(
    stage,
    new URL('../support/crowd-process.ts', import.meta.url),
    cores.generator,
  );
  const { port } = await crowd.ask({});
  const tasks = path.join(directory, 'tasks.yaml');
  writeFileSync(tasks, tasksFile(port));
  const random = new Random(options.seed);
  const turns: CoalescingTurn[] = [];
  for (let round = 1; round <= options.rounds; round += 1) {
    stage.say(`Round ${round}/${options.rounds}`);
    const spec = service(options.service, path.join(directory, `coalescing-${round}.db`));
    const server = await ServerProcess.start(
      stage,
      { ...spec, env: { ...spec.env, TASKS_FILE: tasks, MAX_CONCURRENT_SUB_TASKS: String(CALLERS) } },
      { core: cores.server, timeScale: 0 },
    );
    const ask = (task: string, callers: number, withinMs: number) =>
      crowd.ask({
        url: `${server.origin}/tasks/${task}/runs`,
        ...{ callers, withinMs, input: random.int(0, 2 ** 31) },
      });
    // The first requests of a process find its code cold.
    for (const task of ['each', 'shared']) await ask(task, CALLERS, SPREAD_MS);
    const alone: CrowdLap[] = [];
    for (let count = 0; count < ONE_AFTER_ANOTHER; count += 1) alone.push(await ask('shared', 1, 0));
    turns.push({
      round,
      alone,
      spread: await ask('shared', CALLERS, SPREAD_MS),
      atOnce: await ask('shared', CALLERS, 0),
      each: await ask('each', CALLERS, SPREAD_MS),
    });
    await server.stop();
  }
  await stage.clear();
  return {
    scenario: coalescing.name,
    table: resultTable(turns),
    notes: notes(options.seed, disk),
    goals: goals(turns),
    data: { options: { rounds: options.rounds, seed: options.seed }, cores, disk, turns },
  };
}

function tasksFile(port: number): string {
  const subTasks = `subTasks: [{ name: only, kind: http, url: 'http://127.0.0.1:${port}/', method: GET, allowPrivate: true }]`;
  return `tasks:
  each: { ${subTasks} }
  shared: { coalesce: { for: 5s }, ${subTasks} }
`;
}
