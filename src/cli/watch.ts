/** `frontrunner watch`: shows runs while they go on. */
import { parseArgs } from 'node:util';
import {
  INTERRUPTED,
  interruptible,
  runCommand,
  say,
  UsageError,
  type Terminal,
} from '../command-line/command.js';
import type { RunEvent } from '../core/events.js';
import { Client, SERVICE_OPTIONS, SERVICE_USAGE } from './client.js';
import { EventLines } from './event-lines.js';
import { followEvents } from './followed-events.js';
import { pathPart } from './service-address.js';
import { ServiceError } from './service-error.js';
import { WatchTable } from './watch-table.js';

const HINT = 'frontrunner watch --help says what there is';

const USAGE = `Usage: frontrunner watch <run>
       frontrunner watch [--task <task>]

Shows a run from its beginning until it is over, or all runs from now on: on a terminal a table that is drawn in its place, with a
lane for each sub-task; elsewhere, and with TERM=dumb, a line for each event, but one a second for the chunks of a stream. It goes on when the service is started again. Ctrl+C ends it, and no run.

  --task   Only runs of this task.
${SERVICE_USAGE}
NO_COLOR=1 leaves out the colours.

Exit codes: 0 the run was answered; 1 it failed or was cancelled, or the service refused; 2 it can't be done as it was given;
3 no service was reached; 130 interrupted.
`;

/** Executes the command. @returns the exit code */
export function watch(args: readonly string[], terminal: Terminal): Promise<number> {
  return runCommand(() => show(args, terminal), terminal, { hint: HINT, mendable: [ServiceError] });
}

async function show(args: readonly string[], terminal: Terminal): Promise<number> {
  const options = { ...SERVICE_OPTIONS, task: { type: 'string' } } as const;
  const { values, positionals } = parseArgs({ args: [...args], allowPositionals: true, options });
  const { stdout, stderr } = terminal;
  if (values.help) {
    stdout.write(USAGE);
    return 0;
  }
  const [runId, ...rest] = positionals;
  if (rest.length > 0 || (runId !== undefined && values.task !== undefined))
    throw new UsageError(`It takes the id of one run, or --task <task>; ${HINT}`);
  const client = Client.of(values.url, terminal);
  const filter = values.task === undefined ? '' : `?${new URLSearchParams({ task: values.task }).toString()}`;
  const path = runId === undefined ? `/events${filter}` : `/runs/${pathPart(runId)}/events`;
  const canMove = stdout.isTTY && terminal.env.TERM !== 'dumb';
  const table = canMove ? new WatchTable(stdout, runId === undefined) : undefined;
  const lines = new EventLines();
  const writeLine = (line: string | undefined): void => {
    if (line !== undefined) stdout.write(`${line}\n`);
  };
  let finished: RunEvent<'run.finished'> | undefined;
  const isInterrupted = await interruptible(terminal, async (signal) => {
    try {
      const events = followEvents(client, path, {
        signal,
        opened: (response) => table?.opened(response),
        lost() {
          if (table) table.lost();
          else say(stderr, `The connection to ${client.url} is lost; trying again`);
        },
      });
      for await (const event of events) {
        if (table) table.add(event);
        else writeLine(lines.of(event));
        if (event.type === 'run.finished') finished = event;
      }
    } finally {
      table?.end();
    }
    return signal.aborted;
  });
  if (isInterrupted) return INTERRUPTED;
  return finished && ['failed', 'cancelled'].includes(finished.data.status) ? 1 : 0;
}
