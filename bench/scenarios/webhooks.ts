import type { Options } from '../options.ts';
import { chooseCores } from '../support/cores.ts';
import { measureDisk } from '../support/disk.ts';
import { Generator } from '../support/generator.ts';
import { Receivers } from '../support/receivers.ts';
import type { Report } from '../support/results.ts';
import type { Stage } from '../support/stage.ts';
import type { Scenario } from './scenario.ts';
import { measureCatchUps } from './webhooks-behind.ts';
import { measureEndpoints, measureLoad, type WebhooksParts } from './webhooks-load.ts';
import { goals, notes, resultTable } from './webhooks-report.ts';

export const webhooks: Scenario = {
  name: 'webhooks',
  summary:
    'what a delivery costs, how fast a webhook that is behind catches up, and what a dead endpoint costs the others',
  play,
};

async function play(stage: Stage, options: Options): Promise<Report> {
  const directory = stage.makeDirectory(options.data);
  const disk = await measureDisk(stage, directory);
  const cores = chooseCores(stage);
  const generator = new Generator(stage, cores.generator);
  const receivers = new Receivers(stage, cores.generator);
  const parts: WebhooksParts = { stage, options, directory, cores, generator, receivers };
  const load = await measureLoad(parts);
  const endpoints = await measureEndpoints(parts);
  const catchUps = await measureCatchUps(parts);
  await stage.clear();
  const measured = { load, endpoints, catchUps };
  const { rounds, seconds, warmUp, events } = options;
  return {
    scenario: webhooks.name,
    table: resultTable(measured),
    notes: notes(measured, disk),
    goals: goals(measured),
    data: { options: { rounds, seconds, warmUp, events }, cores, disk, ...measured },
  };
}
