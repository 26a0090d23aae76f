import { mkdirSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { markdownTable, plainTable, type Table } from './table.ts';
import type { Stage } from './stage.ts';

/** Something the project wants to be true of the figures. Missing one fails no run: machines differ. */
export interface Goal {
  readonly goal: string;
  /** What was measured, in words. */
  readonly measured: string;
  /** Undefined where what it takes was not measured. */
  readonly reached: boolean | undefined;
}

/** What a scenario hands over to be shown and kept. */
export interface Report {
  readonly scenario: string;
  readonly table: Table;
  /** Lines below the table that say how to read it. */
  readonly notes: readonly string[];
  readonly goals: readonly Goal[];
  /** Settings and raw figures, for the file. */
  readonly data: Readonly<Record<string, unknown>>;
}

/** Prints a report on stdout, and writes all of it to <out>/<date>-<scenario>.json. */
export function publish(stage: Stage, report: Report, to: { out: string; markdown: boolean }): void {
  const date = new Date().toISOString();
  const parts = [
    `\n${report.scenario}\n`,
    plainTable(report.table),
    '',
    ...report.notes,
    ...report.goals.map(goalLine),
  ];
  if (to.markdown) parts.push('', markdownTable(report.table));
  process.stdout.write(`${parts.join('\n')}\n`);

  mkdirSync(to.out, { recursive: true });
  const file = path.join(to.out, `${date.slice(0, 19).replaceAll(':', '')}Z-${report.scenario}.json`);
  writeFileSync(file, `${JSON.stringify({ date, machine: machine(), ...report }, undefined, 2)}\n`);
  stage.say(`Saved ${file}`);
}

function goalLine({ goal, measured, reached }: Goal): string {
  if (reached === undefined) return `Goal, ${goal}: not measured`;
  return `Goal, ${goal}: ${reached ? 'reached' : 'missed'} (${measured})`;
}

function machine(): Record<string, unknown> {
  return {
    cpu: os.cpus()[0]?.model,
    cores: os.availableParallelism(),
    memoryGiB: Math.round(os.totalmem() / 2 ** 30),
    system: `${os.type()} ${os.release()} ${os.arch()}`,
    node: process.version,
    /** Over the last minute, five and fifteen, the bench's own work included. */
    load: os.loadavg(),
  };
}
