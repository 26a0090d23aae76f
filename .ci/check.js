/** `npm run check`: ESLint takes as long as all other checks together, and runs beside them. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import process from 'node:process';

/** Runs scripts of package.json one after the other, up to the first that fails. */
async function run(...scripts) {
  for (const script of scripts) {
    const [code] = await once(spawn(process.execPath, ['--run', script], { stdio: 'inherit' }), 'close');
    if (code === 0) continue;
    process.stderr.write(`npm run ${script} failed\n`);
    process.exitCode = 1;
    return;
  }
}

await Promise.all([run('check:lint'), run('check:types', 'check:format', 'check:deps', 'check:dead')]);
