import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { ROOT } from '../support/type-check.js';

describe('npm run demo:cluster', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'frontrunner-demo-'));
    // Where the tests are run by root, Postgres is run by nobody.
    chmodSync(directory, 0o755);
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  function start(args: readonly string[] = []): ChildProcess {
    const { PATH = '' } = process.env;
    return spawn(process.execPath, [join(ROOT, 'examples/cluster/main.ts'), ...args], {
      env: { PATH, TMPDIR: directory, DEMO_TIME_SCALE: '0.4', NODE_TIMEOUT: '2s' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  }

  async function end(child: ChildProcess) {
    const output = Promise.all([text(child.stdout!), text(child.stderr!), once(child, 'close')]);
    const [stdout, stderr] = await output;
    return { code: child.exitCode, stdout, stderr };
  }

  /** Every process that it told of must be gone, and its database with it. */
  function expectNothingLeft(stdout: string): void {
    const pids = [...stdout.matchAll(/pid (\d+)/g)].map(([, pid]) => Number(pid));
    expect(pids).toHaveLength(4);
    for (const pid of pids) expect(() => process.kill(pid, 0)).toThrow('ESRCH');
    expect(readdirSync(directory)).toEqual([]);
  }

  test('builds the service first', () => {
    const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
      scripts: Record<string, string>;
    };
    expect(scripts['demo:cluster']).toBe('node build-if-changed.mjs && node examples/cluster/main.ts');
  });

  test('kills a node in the middle of its work, shows who finished that, and loses no run', async () => {
    const { code, stdout, stderr } = await end(start(['--runs', '12']));
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/s {3}kill -9 \d+: C is gone, in the middle of \d runs/);
    expect(stdout).toMatch(/s {3}[AB] takes over \d runs?/);
    const rows = stdout.split('\n').filter((line) => /^\d+ +[ABC] /.test(line));
    expect(rows).toHaveLength(12);
    for (const row of rows) expect(row).toMatch(/succeeded$/);
    expect(rows.filter((row) => /^\d+ +C .*second → [AB].* [12] 2 [12] /.test(row))).not.toEqual([]);
    expect(rows.filter((row) => /^\d+ +[AB] .* – +1 1 1 /.test(row))).not.toEqual([]);
    expect(stdout).toMatch(/\n12 runs accepted, 12 finished, 0 lost\n$/);
    expectNothingLeft(stdout);
  });

  test('ends everything at once when it is interrupted', async () => {
    const demo = start();
    const ended = end(demo);
    createInterface({ input: demo.stdout! }).on('line', (line) => {
      if (line.includes('18 callers')) demo.kill('SIGINT');
    });
    const { code, stdout, stderr } = await ended;
    expect({ code, stderr }).toEqual({ code: 130, stderr: '' });
    expect(stdout).not.toContain('lost');
    expectNothingLeft(stdout);
  });

  test.each([
    [['--nodes', '1'], /--nodes takes a whole number from 2 to 9/],
    [['--runs', 'many'], /--runs takes a whole number from 3/],
    // The node that is killed would have none.
    [['--nodes', '4', '--runs', '3'], /--runs takes a whole number from 4 to 5000/],
    [['--fast'], /--fast/],
  ])('is refused with %j, and starts nothing', async (args, refusal) => {
    const { code, stdout, stderr } = await end(start(args));
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(refusal);
  });

  test('says what it takes with --help', async () => {
    const { code, stdout } = await end(start(['--help']));
    expect(code).toBe(0);
    for (const word of ['--nodes', '--runs', '--keep', 'NODE_TIMEOUT']) expect(stdout).toContain(word);
  });
});
