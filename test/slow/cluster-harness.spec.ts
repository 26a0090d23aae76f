import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { getCompileCacheDir } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { DISTURBANCES, planRounds, type Disturbance } from '../cluster/plan.ts';
import { randomRequest } from '../crash/requests.ts';
import type { ClusterFaultName } from '../crash/faults.ts';

const HARNESS = resolve(import.meta.dirname, '../cluster/main.ts');
/** Its rounds fail over to a standby, restart Postgres, cut a node off without a word, kill one and all that know the newer task, and halt one. */
const SEED_OF_SIX = '173';
const KINDS = Object.keys(DISTURBANCES) as [Disturbance];

describe('the cluster harness', () => {
  let directory: string;
  let harness: ChildProcess | undefined;
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'frontrunner-'));
    // Root's Postgres runs as nobody, who must get through.
    chmodSync(directory, 0o711);
  });
  // Where a test has ended before it did.
  afterEach(() => {
    harness?.kill();
  });
  afterAll(() => {
    rmSync(directory, { recursive: true });
  });

  async function disturb(...args: string[]): Promise<{ code: number | null; output: string }> {
    harness = spawn(process.execPath, [HARNESS, ...args], {
      env: { ...process.env, TMPDIR: directory, NODE_COMPILE_CACHE: getCompileCacheDir() },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [output] = await Promise.all([text(harness.stdout!), once(harness, 'close')]);
    return { code: harness.exitCode, output };
  }

  test('proves that disturbed nodes untell, lose and repeat nothing', async () => {
    const { code, output } = await disturb('--rounds', '6', '--seed', SEED_OF_SIX);
    expect(output).toMatch(/^Proved over 6 disturbances: [^]* nodes took over [1-9]/m);
    expect(output).toMatch(
      / [1-9][\d,]* runs of a newer task ended, though nodes that don’t know it refused [1-9][\d,]* callers, and [1-9][\d,]* of them waited/,
    );
    expect(output).toMatch(
      / [1-9][\d,]* events came to [1-9][\d,]* webhooks, [1-9] of them of the API, signed and in order/,
    );
    expect(output).toContain('; a standby took the place of Postgres 1 times');
    expect(output).toMatch(
      / [1-9][\d,]* failed sub-tasks were retried on request, [1-9][\d,]* of them beside the ends of others/,
    );
    expect(output).toMatch(
      / [1-9][\d,]* streams, cut off [\d,]+ times and left [\d,]+ times, had [1-9][\d,]* chunks at any node/,
    );
    expect(code).toBe(0);
    expect(readdirSync(directory)).toEqual([]);
  }, 300_000);

  test.each<[ClusterFaultName, Disturbance, string, RegExp]>([
    [
      'reply-before-shared-commit',
      'kill',
      // Late enough for many answers.
      '7',
      /^- (The run \S+, whose caller was told .+, (is lost|now has)|.+ A caller with one key was told)/m,
    ],
    ['attempts-not-fenced', 'delay', '1', /^- The run \S+ (remote|distant): has \d outcomes/m],
    ['retries-told-early', 'kill', '7', /^- The retry of \S+ in the run \S+ was told, and is lost$/m],
    ['nodes-not-fenced', 'halt', '1', /^- The run \S+ has run\.\w+ 2 times/m],
    [
      'restart-untold',
      'kill',
      '7',
      /^- Who read the stream of the run \S+ was told chunks of .+, and of no restart$/m,
    ],
  ])(
    'fails when nodes have the fault %s',
    async (fault, only, seed, violation) => {
      const { code, output } = await disturb(
        ...['--rounds', '1', '--only', only, '--callers', '40', '--seed', seed, '--fault', fault],
      );
      expect(output).toMatch(violation);
      expect(output).toMatch(
        /^[1-9][\d,]* violations; the logs, the tables and what receivers got are kept /m,
      );
      expect(code).toBe(1);
    },
    300_000,
  );

  test('does the same to the nodes again when it is given the same seed', () => {
    const script = (seed: number) =>
      planRounds(seed, 5, 3, KINDS).map(({ callers, subscriber: _, ...round }) => ({
        ...round,
        requests: callers.map((random) => [randomRequest(random), randomRequest(random, 'crash-placed')]),
      }));
    expect(script(7)).toEqual(script(7));
    expect(script(7)).not.toEqual(script(8));
  });
});
