import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { findPython, HOW_TO_INSTALL } from '../support/python.ts';
import { missingFor } from './backing.ts';
import { PEERS, type Peer } from './peers.ts';

const here = fileURLToPath(new URL('.', import.meta.url));

/**
 * The peers that can be started here. What npm has is installed into bench/peers first, where it isn't yet.
 *
 * @param say is told what is left out, and how to get it
 */
export async function findPeers(say: (line: string) => void): Promise<readonly Peer[]> {
  await install(say);
  const found: Peer[] = [];
  for (const peer of PEERS) {
    const missing = missingFor(peer.backing) ?? (await missingProgram(peer));
    if (missing === undefined) found.push(peer);
    else say(`${peer.name} is left out. ${missing}`);
  }
  return found;
}

/** With the version of each package, for the reader of the figures. */
export function versionOf({ program }: Peer): string {
  if (program.kind !== 'node' || program.package === undefined) return '';
  return (manifestOf(program.package) as { version: string }).version;
}

async function missingProgram({ program }: Peer): Promise<string | undefined> {
  if (program.kind === 'service') return undefined;
  if (program.kind === 'python') {
    const python = await findPython(program.imports);
    return python
      ? undefined
      : `No Python here has ${program.imports.join(', ')}: ${HOW_TO_INSTALL} python3-celery python3-redis`;
  }
  if (program.package === undefined || manifestOf(program.package)) return undefined;
  return `${program.package} is not installed: npm ci --prefix bench/peers`;
}

/** Their packages aren't the project's: they are installed for the bench alone. */
async function install(say: (line: string) => void): Promise<void> {
  if (
    PEERS.every(({ program }) => program.kind !== 'node' || !program.package || manifestOf(program.package))
  )
    return;
  say('Installing the peers of npm into bench/peers');
  const npm = spawn('npm', ['ci', '--no-audit', '--no-fund', '--ignore-scripts'], {
    cwd: here,
    stdio: 'ignore',
  });
  npm.on('error', () => undefined);
  const [code] = (await once(npm, 'close')) as [number | null];
  if (code !== 0) say('They can’t be installed: npm ci --prefix bench/peers says why');
}

function manifestOf(name: string): unknown {
  try {
    return createRequire(import.meta.url)(`${here}node_modules/${name}/package.json`);
  } catch {
    return undefined;
  }
}
