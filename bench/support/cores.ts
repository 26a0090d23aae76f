import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { Stage } from './stage.ts';

/** The cores to pin to; undefined means unpinned. */
export interface Cores {
  readonly server: number | undefined;
  readonly generator: number | undefined;
}

/** One core for the server under load and another for the load generator, so that neither slows the other. */
export function chooseCores(stage: Stage): Cores {
  const [server, generator] = allowedCores();
  if (server === undefined || generator === undefined) {
    stage.say('Fewer than two cores: nothing is pinned, and the generator takes time from the servers.');
    return { server: undefined, generator: undefined };
  }
  if (spawnSync('taskset', ['--version']).status !== 0) {
    stage.say('taskset (util-linux) is missing: nothing is pinned, so expect more noise.');
    return { server: undefined, generator: undefined };
  }
  stage.say(`Servers are pinned to core ${String(server)}, the generator to core ${String(generator)}.`);
  return { server, generator };
}

/** The command that runs `file` on that core. taskset replaces itself, so the child's id is the program's. */
export function onCore(core: number | undefined, file: string, args: readonly string[]): string[] {
  return core === undefined ? [file, ...args] : ['taskset', '-c', String(core), file, ...args];
}

/** The cores this process may use, from a kernel list such as "0-2,5"; empty where there is no /proc. */
function allowedCores(): number[] {
  let status: string;
  try {
    status = readFileSync('/proc/self/status', 'utf8');
  } catch {
    return [];
  }
  const list = /^Cpus_allowed_list:\s*(.+)$/m.exec(status)?.[1] ?? '';
  return list.split(',').flatMap((range) => {
    const [from = NaN, to = from] = range.split('-').map(Number);
    return Number.isNaN(from) ? [] : Array.from({ length: to - from + 1 }, (_, i) => from + i);
  });
}
