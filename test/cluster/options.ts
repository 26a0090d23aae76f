import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { clusterFaults, type ClusterFaultName } from '../crash/faults.ts';
import { nameAmong, whole } from '../crash/options.ts';
import { DISTURBANCES, type Disturbance } from './plan.ts';

/** What can be chosen on the command line. */
export interface Options {
  readonly rounds: number;
  readonly callers: number;
  readonly seed: number;
  readonly only: Disturbance | undefined;
  /** What of the nodes is broken on purpose. */
  readonly fault: ClusterFaultName | undefined;
}

export const USAGE = `npm run test:cluster -- [options]

Runs three nodes of the built service that share a Postgres, their clocks minutes apart and their tasks not all the same, drives them with many
callers, and disturbs one or the database again and again; then proves from what every node says, from the database and from what
receivers of webhooks got that they kept their promises.
The exit code is 1 when they did not.

  --rounds N     disturbances (default 20)
  --callers N    callers at a time (default 20)
  --seed N       what requests and disturbances follow from (default: any). How far the nodes have come at a
                 disturbance is up to the machine, so a seed repeats what is done to them, not what they do
  --only NAME    disturbances of one kind:
${described(Object.entries(DISTURBANCES))}
  --fault NAME   breaks the nodes on purpose, so that the harness must fail:
${described(Object.entries(clusterFaults).map(([name, { about }]) => [name, about]))}
  -h, --help
`;

/** Undefined when help is wanted. @throws Error on an unknown option or a bad value */
export function readOptions(args: readonly string[]): Options | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rounds: { type: 'string', default: '20' },
      callers: { type: 'string', default: '20' },
      seed: { type: 'string', default: String(randomInt(2 ** 32)) },
      only: { type: 'string' },
      fault: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return undefined;
  return {
    rounds: whole('rounds', values.rounds, 1),
    callers: whole('callers', values.callers, 1),
    seed: whole('seed', values.seed, 0),
    only: nameAmong('only', values.only, DISTURBANCES),
    fault: nameAmong('fault', values.fault, clusterFaults),
  };
}

function described(names: readonly (readonly [string, string])[]): string {
  return names.map(([name, about]) => `                   ${name}: ${about}`).join('\n');
}
