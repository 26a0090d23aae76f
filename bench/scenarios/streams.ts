import { writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Options } from '../options.ts';
import { service, serviceInMemory } from '../servers/servers.ts';
import { Companion } from '../support/companion.ts';
import { chooseCores } from '../support/cores.ts';
import { measureDisk } from '../support/disk.ts';
import type { Report } from '../support/results.ts';
import { ServerProcess } from '../support/server-process.ts';
import type { Stage } from '../support/stage.ts';
import { streamPath } from '../support/streams-protocol.ts';
import type { Scenario } from './scenario.ts';
import { RACE, SHAPES, SLOWER, STARTS, TAIL, TAIL_VARIANTS } from './streams-figures.ts';
import { StreamsLoad } from './streams-load.ts';
import { goals, notes, resultTable, type StreamsTurn } from './streams-report.ts';

export const streams: Scenario = {
  name: 'streams',
  summary:
    'what the service adds to the first chunk of a stream, to each further one, and what a stream takes',
  play,
};

async function play(stage: Stage, options: Options): Promise<Report> {
  const directory = stage.makeDirectory(options.data);
  const disk = await measureDisk(stage, directory);
  const cores = chooseCores(stage);
  const upstream: StreamsLoad['upstream'] = new Companion(
    stage,
    new URL('../support/streams-upstream-process.ts', import.meta.url),
    cores.generator,
  );
  const callers: StreamsLoad['callers'] = new Companion(
    stage,
    new URL('../support/stream-callers-process.ts', import.meta.url),
    cores.generator,
  );
  const { port } = await upstream.ask({});
  const file = path.join(directory, 'tasks.yaml');
  writeFileSync(file, tasksFile(`http://127.0.0.1:${port}`));
  const specs = [
    service(options.service, path.join(directory, 'streams.db')),
    serviceInMemory(options.service),
  ];
  const turns: StreamsTurn[] = [];
  const load = new StreamsLoad(stage, upstream, callers, `http://127.0.0.1:${port}`);
  for (let round = 1; round <= options.rounds; round += 1) {
    turns.push({ round, server: undefined, ...(await load.first(undefined, options.seconds)) });
    for (const spec of specs) {
      // One at a time has the core for itself, and each round begins with as little stored.
      const server = await ServerProcess.start(
        stage,
        { ...spec, env: { ...spec.env, TASKS_FILE: file } },
        { core: cores.server, timeScale: 0, probes: ['heap'] },
      );
      stage.say(`Round ${round}/${options.rounds}: ${spec.name}`);
      await load.warmUp(server, options.warmUp);
      const turn = { round, server: spec.key };
      turns.push({ ...turn, ...(await load.memory(server)) });
      turns.push({ ...turn, ...(await load.first(server, options.seconds)) });
      turns.push({ ...turn, ...(await load.steady(server, options.seconds)) });
      for (const variant of TAIL_VARIANTS)
        turns.push({ ...turn, ...(await load.tail(server, variant, options.duration)) });
      await server.kill();
    }
  }
  await stage.clear();
  const { rounds, seconds, duration } = options;
  return {
    scenario: streams.name,
    table: resultTable(turns),
    notes: notes(disk),
    goals: goals(turns),
    data: { options: { rounds, seconds, duration }, cores, disk, turns },
  };
}

function tasksFile(origin: string): string {
  const subTask = (name: string, shape: Parameters<typeof streamPath>[0], start?: string) =>
    `      - { name: ${name}, kind: http, url: '${origin}${streamPath(shape)}', allowPrivate: true, stream: sse, chunk: /text, ` +
    `end: '[DONE]', idle: 20m, timeout: 20m${start === undefined ? '' : `, start: ${start}`} }`;
  const task = (name: string, ...subTasks: string[]) =>
    [`  ${name}:`, '    subTasks:', ...subTasks].join('\n');
  return `tasks:\n${[
    task('race', subTask('first', RACE), subTask('slower', SLOWER)),
    ...Object.entries(SHAPES).map(([name, shape]) => task(name, subTask('only', shape))),
    ...TAIL_VARIANTS.map((variant) => {
      const start = STARTS[variant];
      return task(
        variant,
        subTask('first', TAIL),
        ...(start === undefined ? [] : [subTask('second', TAIL, start)]),
      );
    }),
  ].join('\n')}\n`;
}
