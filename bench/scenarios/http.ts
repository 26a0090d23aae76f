import path from 'node:path';
import type { Options } from '../options.ts';
import { WAYS, type CallsCommand, type CallsLap, type Way } from '../support/calls-protocol.ts';
import { Companion } from '../support/companion.ts';
import { chooseCores } from '../support/cores.ts';
import type { Report } from '../support/results.ts';
import type { Stage } from '../support/stage.ts';
import { ratios, summarize } from '../support/statistics.ts';
import { figure, type Table } from '../support/table.ts';
import type { UpstreamLap } from '../support/upstream-protocol.ts';
import type { Scenario } from './scenario.ts';

const NAMES: Readonly<Record<Way, string>> = { bare: 'undici request', 'sub-task': 'http sub-task' };

export const http: Scenario = {
  name: 'http',
  summary: 'CPU of a call by a sub-task of kind http, next to undici’s request alone',
  play,
};

interface Turn extends CallsLap {
  readonly way: Way;
}

async function play(
  stage: Stage,
  { rounds, seconds, warmUp, connections, service }: Options,
): Promise<Report> {
  const cores = chooseCores(stage);
  const upstream = new Companion<object, UpstreamLap>(
    stage,
    new URL('../support/upstream-process.ts', import.meta.url),
    cores.generator,
  );
  const { port } = await upstream.ask({});
  const url = `http://127.0.0.1:${port}/at-once`;
  const caller = new Companion<CallsCommand, CallsLap>(
    stage,
    new URL('../support/calls-process.ts', import.meta.url),
    cores.server,
    [path.dirname(service)],
  );
  for (const way of WAYS) await caller.ask({ way, url, seconds: warmUp, connections });
  const turns: Turn[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    stage.say(`Round ${round}/${rounds}`);
    for (const way of WAYS) turns.push({ way, ...(await caller.ask({ way, url, seconds, connections })) });
  }
  await stage.clear();
  return {
    scenario: http.name,
    table: resultTable(turns),
    notes: [
      `${connections} calls at a time of an upstream that answers at once, turns alternating. Both read the body as JSON; the sub-task`,
      'has a signal and a deadline of its own for each call, as an attempt has.',
    ],
    goals: [],
    data: { options: { rounds, seconds, connections }, cores, turns },
  };
}

function resultTable(turns: readonly Turn[]): Table {
  const row = (label: string, decimals: number, of: (turn: Turn) => number): string[] => {
    const [bare = [], subTask = []] = WAYS.map((way) => turns.filter((turn) => turn.way === way).map(of));
    const cell = (values: readonly number[]): string => {
      const { median, min, max } = summarize(values);
      return `${figure(median, decimals)} (${figure(min, decimals)} to ${figure(max, decimals)})`;
    };
    return [label, cell(bare), cell(subTask), figure(ratios(subTask, bare).median, 2)];
  };
  return {
    head: ['', ...WAYS.map((way) => NAMES[way]), 'ratio'],
    rows: [
      row('CPU µs/call', 1, ({ cpuMicroseconds, calls }) => cpuMicroseconds / calls),
      row('calls/s', 0, ({ calls, seconds }) => calls / seconds),
      row('faulty answers', 0, ({ faults }) => faults),
    ],
  };
}
