import { parseArgs } from 'node:util';

/** What can be chosen on the command line. */
export interface Options {
  readonly nodes: number;
  readonly runs: number;
  readonly keep: boolean;
}

export const USAGE = `npm run demo:cluster -- [options]

Starts a Postgres of its own and several nodes of the service that share it, lets callers start runs of the demo task,
kills one node with SIGKILL once another shows runs that it has under way, and says what became of every run. It takes
about 20 seconds, needs no Docker, and leaves nothing. The exit code is 1 when a run was lost.

  --nodes N   nodes, from 2 to 9 (default 3)
  --runs N    runs, from one for each node to 5000 (default 18); more than 30 are shown in groups
  --keep      leave the other nodes running at the end, to play with, until Ctrl+C
  -h, --help

DEMO_TIME_SCALE (1) and NODE_TIMEOUT (2s) are the nodes’: with 0.2 and 500ms it is over sooner.
`;

/** Undefined when help is wanted. @throws Error on an unknown option or a bad value */
export function readOptions(args: readonly string[]): Options | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      nodes: { type: 'string', default: '3' },
      runs: { type: 'string', default: '18' },
      keep: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return undefined;
  const nodes = whole('nodes', values.nodes, 2, 9);
  // The node that is killed must have accepted one.
  return { nodes, runs: whole('runs', values.runs, nodes, 5_000), keep: values.keep };
}

function whole(name: string, text: string, least: number, most: number): number {
  if (/^\d{1,4}$/.test(text) && Number(text) >= least && Number(text) <= most) return Number(text);
  throw new Error(`--${name} takes a whole number from ${String(least)} to ${String(most)}, not "${text}".`);
}
