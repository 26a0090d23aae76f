import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { faults, type FaultName } from './faults.ts';

/** What can be chosen on the command line. */
export interface Options {
  readonly rounds: number;
  readonly callers: number;
  readonly seed: number;
  /** What of the service is broken on purpose. */
  readonly fault: FaultName | undefined;
}

export const USAGE = `npm run test:crash -- [options]

Runs the built service, drives it with many callers, kills it with SIGKILL, starts it again, and so on; then proves
from its answers, its database, what readers of streams were shown and what receivers of webhooks got that it kept its
promises. The exit code is 1 when it did not.

  --rounds N     kills (default 20)
  --callers N    callers at a time (default 40)
  --seed N       what requests, kills and settings follow from (default: any). How far the service has come at a
                 kill is up to the machine, so a seed repeats what is done to the service, not what it does
  --fault NAME   breaks the service on purpose, so that the harness must fail:
${Object.entries(faults)
  .map(([name, { about }]) => `                   ${name}: ${about}`)
  .join('\n')}
  -h, --help
`;

/** Undefined when help is wanted. @throws Error on an unknown option or a bad value */
export function readOptions(args: readonly string[]): Options | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rounds: { type: 'string', default: '20' },
      callers: { type: 'string', default: '40' },
      seed: { type: 'string', default: String(randomInt(2 ** 32)) },
      fault: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return undefined;
  return {
    rounds: whole('rounds', values.rounds, 1),
    callers: whole('callers', values.callers, 1),
    seed: whole('seed', values.seed, 0),
    fault: nameAmong('fault', values.fault, faults),
  };
}

/** @throws Error on anything but a whole number from `least` */
export function whole(name: string, text: string, least: number): number {
  if (/^\d{1,10}$/.test(text) && Number(text) >= least) return Number(text);
  throw new Error(`--${name} takes a whole number from ${String(least)}, not "${text}".`);
}

/** @throws Error on what is none of the names */
export function nameAmong<Names extends object>(
  option: string,
  name: string | undefined,
  names: Names,
): keyof Names | undefined {
  if (name === undefined) return undefined;
  if (Object.hasOwn(names, name)) return name as keyof Names;
  throw new Error(`--${option} takes ${Object.keys(names).join(' or ')}, not "${name}".`);
}
