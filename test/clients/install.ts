import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { chromiumPath } from './chromium.ts';

/** Installs the clients, unless they are: `npm ci` of the project leaves them out. */
export default async function install(): Promise<void> {
  const cwd = import.meta.dirname;
  const lock = statSync(join(cwd, 'package-lock.json')).mtimeMs;
  const installed = join(cwd, 'node_modules/.package-lock.json');
  if (!existsSync(installed) || statSync(installed).mtimeMs < lock) {
    const options = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
    const [code] = (await once(spawn('npm', ['ci', ...options], { cwd, stdio: 'inherit' }), 'close')) as [
      number | null,
    ];
    if (code !== 0)
      throw new Error('npm ci could not install the clients in test/clients; it needs the network');
  }
  await chromiumPath();
}
