import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { describe, expect, test } from '@jest/globals';

describe('npm run start:prod', () => {
  test('stops cleanly when npm is told to, although npm’s shell passes no signal on', async () => {
    const npm = spawn('npm', ['run', 'start:prod'], {
      env: { ...process.env, PORT: '0', DATABASE_URL: 'memory:' },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const lines: string[] = [];
    const output = createInterface({ input: npm.stdout });
    output.on('line', (line) => {
      lines.push(line);
      if (line.includes('Listening on')) npm.kill('SIGTERM');
    });
    // The pipe is the service's as well: it ends when the last of them has ended.
    await once(output, 'close');
    expect(lines.at(-1)).toContain('Stopped');
  });
});
