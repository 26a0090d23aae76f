import type { Options } from '../options.ts';
import { BenchPostgres } from '../support/bench-postgres.ts';
import { measureDisk } from '../support/disk.ts';
import { Generator } from '../support/generator.ts';
import type { Report } from '../support/results.ts';
import type { Stage } from '../support/stage.ts';
import { measureKills } from './nodes-kills.ts';
import { measureLoad } from './nodes-load.ts';
import { measurePlacement } from './nodes-placement.ts';
import { goals, notes, resultTable } from './nodes-report.ts';
import type { Scenario } from './scenario.ts';

export const nodes: Scenario = {
  name: 'nodes',
  summary:
    'one, two and three nodes on one Postgres: what a run costs, sub-tasks placed on workers, and kills',
  play,
};

async function play(stage: Stage, options: Options): Promise<Report> {
  const directory = stage.makeDirectory(options.data);
  const disk = await measureDisk(stage, directory);
  const postgres = await BenchPostgres.start(stage.makeDirectory(options.data));
  try {
    const generator = new Generator(stage, undefined);
    const parts = { stage, options, postgres, generator, directory };
    const load = await measureLoad(parts);
    const placement = await measurePlacement(parts);
    const kills = await measureKills(parts);
    const measured = { ...load, placement, kills };
    const { rounds, seconds, warmUp, connections, starts } = options;
    return {
      scenario: nodes.name,
      table: resultTable(measured),
      notes: notes(measured, disk),
      goals: goals(measured),
      data: { options: { rounds, seconds, warmUp, connections, starts }, disk, ...measured },
    };
  } finally {
    await postgres.stop();
  }
}
