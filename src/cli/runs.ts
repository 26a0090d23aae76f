/** `frontrunner runs`: lists runs. */
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { runCommand, say, UsageError, type Terminal } from '../command-line/command.js';
import { table } from '../command-line/table.js';
import { labelTexts } from '../core/labels.js';
import { Client, SERVICE_OPTIONS, SERVICE_USAGE } from './client.js';
import { ServiceError } from './service-error.js';
import { plain, span } from './text.js';

const HINT = 'frontrunner runs --help says what there is';

const USAGE = `Usage: frontrunner runs [--task <task>] [--status <status>] [--label <name>:<value>] [--limit <count>] [--json]

Lists runs, the newest first.

  --task    Those of a task.
  --status  Those that are running, succeeded, partly-failed, failed, cancelled or set-aside; several with commas.
  --label   Those with a label; several: with all of them.
  --limit   How many at most, up to 200. Default: 20.
  --json    One JSON object a line, as the service tells it.
${SERVICE_USAGE}`;

const runSchema = z.object({
  id: z.string(),
  task: z.string(),
  status: z.string(),
  createdAt: z.iso.datetime(),
  finishedAt: z.iso.datetime().nullable(),
  labels: z.record(z.string(), z.string()).optional(),
});
const pageSchema = z.object({ runs: z.array(runSchema) });

/** Executes the command. @returns the exit code */
export function runs(args: readonly string[], terminal: Terminal): Promise<number> {
  return runCommand(() => list(args, terminal), terminal, { hint: HINT, mendable: [ServiceError] });
}

async function list(args: readonly string[], terminal: Terminal): Promise<undefined> {
  const { help, url, json, ...filters } = parseArgs({
    args: [...args],
    options: {
      ...SERVICE_OPTIONS,
      task: { type: 'string' },
      status: { type: 'string' },
      label: { type: 'string', multiple: true, default: [] },
      limit: { type: 'string', default: '20' },
      json: { type: 'boolean', default: false },
    },
  }).values;
  const { stdout, stderr } = terminal;
  if (help) {
    stdout.write(USAGE);
    return;
  }
  if (!/^0*([1-9]\d?|1\d\d|200)$/.test(filters.limit))
    throw new UsageError('--limit takes a whole number from 1 to 200');
  const query = Object.entries(filters).flatMap(([name, values]) =>
    [values].flat().map((value): [string, string] => [name, value]),
  );
  const client = Client.of(url, terminal);
  const page = await client.request(`/runs?${new URLSearchParams(query).toString()}`);
  const found = (await client.read(page, pageSchema)).value.runs;
  if (json) stdout.write(found.map((run) => `${JSON.stringify(run)}\n`).join(''));
  else if (found.length === 0) say(stderr, 'There are no such runs');
  else stdout.write(table(['RUN', 'TASK', 'STATUS', 'CREATED', 'TOOK', 'LABELS'], found.map(row)));
}

function row({ id, task, status, createdAt, finishedAt, labels }: z.infer<typeof runSchema>): string[] {
  const took = finishedAt === null ? '-' : span(Date.parse(finishedAt) - Date.parse(createdAt));
  return [id, task, status, createdAt, took, plain(labelTexts(labels).join(' '))];
}
