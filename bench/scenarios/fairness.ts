import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Options } from '../options.ts';
import { service } from '../servers/servers.ts';
import { Companion } from '../support/companion.ts';
import { chooseCores } from '../support/cores.ts';
import { measureDisk } from '../support/disk.ts';
import type {
  FairnessUpstreamAnswer,
  FairnessUpstreamCommand,
} from '../support/fairness-upstream-process.ts';
import { Generator } from '../support/generator.ts';
import type { Report } from '../support/results.ts';
import { ServerProcess } from '../support/server-process.ts';
import type { Stage } from '../support/stage.ts';
import {
  BURST,
  goals,
  notes,
  resultTable,
  VARIANTS,
  type FairnessTurn,
  type Terms,
  type Variant,
} from './fairness-report.ts';
import type { Scenario } from './scenario.ts';

/** A slot comes free every 2 ms; the rest of the core is for the small tenant. */
const SLOTS = 200;
const BURST_MS = [300, 500] as const;
const BOUND = 150;
const REPLY_MS = 5;
const RATE = 50;

/** Runs of one request of the burst. */
const BATCH = 1_000;
/** Before the measured part of a turn, in milliseconds. */
const LEAD = 1_500;

export const fairness: Scenario = {
  name: 'fairness',
  summary: 'how much later a tenant is answered when another has 10,000 runs waiting',
  play,
};

async function play(stage: Stage, options: Options): Promise<Report> {
  const directory = stage.makeDirectory(options.data);
  const disk = await measureDisk(stage, directory);
  const cores = chooseCores(stage);
  const upstream = new Companion<FairnessUpstreamCommand, FairnessUpstreamAnswer>(
    stage,
    new URL('../support/fairness-upstream-process.ts', import.meta.url),
    cores.generator,
  );
  const { port } = await upstream.ask({});
  const tasks = path.join(directory, 'tasks.yaml');
  writeFileSync(tasks, tasksFile(port));
  const generator = new Generator(stage, cores.generator);
  const turns: FairnessTurn[] = [];
  for (let round = 1; round <= options.rounds; round += 1)
    for (const variant of VARIANTS) {
      stage.say(`Round ${round}/${options.rounds}: ${variant}`);
      await upstream.ask({ seed: options.seed + round - 1 });
      const spec = service(options.service, path.join(directory, `${variant}-${round}.db`));
      // One key may have half of what may wait.
      const env = {
        ...{ TASKS_FILE: tasks, MAX_CONCURRENT_SUB_TASKS: String(SLOTS) },
        ...{ MAX_QUEUED_RUNS: String(10 * BURST), MEMORY_BUDGET: '1gb' },
      };
      const server = await ServerProcess.start(
        stage,
        { ...spec, env: { ...spec.env, ...env } },
        { core: cores.server, timeScale: 0 },
      );
      turns.push({
        round,
        variant,
        ...(await measure({ stage, server, generator, upstream }, variant, options.duration)),
      });
      await server.kill();
    }
  await stage.clear();
  const terms: Terms = {
    ...{ rate: RATE, slots: SLOTS, bound: BOUND, burstMs: BURST_MS, replyMs: REPLY_MS, seed: options.seed },
  };
  const { rounds, duration } = options;
  return {
    scenario: fairness.name,
    table: resultTable(turns),
    notes: notes(terms, disk),
    goals: goals(turns),
    data: { options: { ...terms, rounds, duration }, cores, disk, turns },
  };
}

function tasksFile(port: number): string {
  const task = (name: string, key: string, ms: string) =>
    [
      `  ${name}:`,
      ...key.split('\n').map((line) => `    ${line}`),
      '    subTasks:',
      `      - { name: only, kind: http, url: 'http://127.0.0.1:${port}/${ms}', allowPrivate: true }`,
    ].join('\n');
  const key = "concurrencyKey: '{labels.tenant}'";
  const tasks = [
    task('held', key, 'held'),
    task('small', key, String(REPLY_MS)),
    task('beside', key, BURST_MS.join('/')),
    task('bounded', `${key}\nconcurrencyPerKey: ${BOUND}`, BURST_MS.join('/')),
  ];
  return `tasks:\n${tasks.join('\n')}\n`;
}

interface Parts {
  readonly stage: Stage;
  readonly server: ServerProcess;
  readonly generator: Generator;
  readonly upstream: Companion<FairnessUpstreamCommand, FairnessUpstreamAnswer>;
}

async function measure(
  { stage: { signal }, server: { origin }, generator, upstream }: Parts,
  variant: Variant,
  seconds: number,
): Promise<Pick<FairnessTurn, 'lap' | 'queued'>> {
  if (variant !== 'alone') {
    await start(origin, 'held', SLOTS, signal);
    // As many as are to wait at the end, and those that go through until then.
    await start(origin, variant, BURST + (SLOTS / BURST_MS[0]) * (seconds * 1000 + LEAD), signal);
    await upstream.ask({});
  }
  const body = JSON.stringify({ labels: { tenant: 'small' } });
  await generator.start({ kind: 'paced', url: `${origin}/tasks/small/runs`, rate: RATE, post: true, body });
  await sleep(LEAD, undefined, { signal });
  const before = await queued(origin, signal);
  await generator.lap();
  await sleep(seconds * 1000, undefined, { signal });
  const lap = await generator.lap();
  const after = await queued(origin, signal);
  await generator.stop();
  return { lap, queued: { before, after } };
}

/** Starts runs of the large tenant. */
async function start(origin: string, task: string, count: number, signal: AbortSignal): Promise<void> {
  for (let left = Math.ceil(count); left > 0; left -= BATCH) {
    const runs = Array.from({ length: Math.min(left, BATCH) }, () => ({ labels: { tenant: 'big' } }));
    const response = await fetch(`${origin}/tasks/${task}/runs:batch`, {
      ...{ method: 'POST', headers: { 'content-type': 'application/json' } },
      ...{ body: JSON.stringify({ runs }), signal },
    });
    const answer = (await response.json()) as {
      readonly refused?: number;
      readonly runs?: readonly object[];
    };
    const refused = answer.runs?.find((run) => 'detail' in run) ?? (response.ok ? undefined : answer);
    if (refused) throw new Error(`A run of ${task} was refused: ${JSON.stringify(refused)}`);
  }
}

async function queued(origin: string, signal: AbortSignal): Promise<number> {
  const answer = (await (await fetch(`${origin}/queue`, { signal })).json()) as { readonly queued: number };
  return answer.queued;
}
