import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { getCompileCacheDir } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import {
  breakCode,
  brokenFiles,
  clusterFaults,
  faults,
  type ClusterFaultName,
  type FaultName,
} from '../crash/faults.ts';
import { planRounds } from '../crash/plan.ts';
import { randomRequest } from '../crash/requests.ts';

const HARNESS = resolve(import.meta.dirname, '../crash/main.ts');
const DIST = resolve(import.meta.dirname, '../../dist');
/** What is enough for some deliveries. */
const FEW = ['--rounds', '2', '--callers', '20'];
/** A kill has to come while chunks are told of that aren't committed yet, or be one that has a stream begin anew. */
const SOME_KILLS = ['--rounds', '6', '--callers', '40'];
/** What is enough for some streams that are cut off: what is read on after the only kill shows it. */
const ONE_KILL = ['--rounds', '1', '--callers', '20'];
/** Its rounds are killed in their load, late enough for many answers. */
const SEED_OF_LOAD = '19';

describe('the crash harness', () => {
  let directory: string;
  let harness: ChildProcess | undefined;
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'frontrunner-'));
  });
  // Where a test has ended before it did.
  afterEach(() => {
    harness?.kill();
  });
  afterAll(() => {
    rmSync(directory, { recursive: true });
  });

  async function crash(...args: string[]): Promise<{ code: number | null; output: string }> {
    harness = spawn(process.execPath, [HARNESS, ...args], {
      env: { ...process.env, TMPDIR: directory, NODE_COMPILE_CACHE: getCompileCacheDir() },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [output] = await Promise.all([text(harness.stdout!), once(harness, 'close')]);
    return { code: harness.exitCode, output };
  }

  test('proves that 20 kills make the service untell, lose and repeat nothing', async () => {
    const { code, output } = await crash('--rounds', '20');
    expect(output).toMatch(/^Proved over 20 kills: [^]* [1-9][\d,]* of them cut off by a kill/m);
    expect(output).toMatch(
      / [1-9][\d,]* events came to [1-9][\d,]* webhooks, [1-9] of them of the API, signed and in order/,
    );
    expect(output).toMatch(
      / [1-9][\d,]* streams, cut off [1-9][\d,]* times, had [1-9][\d,]* chunks without gap or change, and began anew [1-9]/,
    );
    expect(output).toMatch(/ [1-9][\d,]* are dead letters of receivers that fail for ever/);
    expect(code).toBe(0);
    expect(readdirSync(directory)).toEqual([]);
  }, 240_000);

  test.each<[FaultName, RegExp, string[]]>([
    ['reply-before-commit', /^- The run \S+, whose caller was told .+, (is lost|now has the reply)/m, []],
    ['fencing-off', /^- The run \S+ stubborn: (has 2 outcomes|records the stale result of attempt 1)/m, []],
    [
      'chunks-before-commit',
      /^- Who read .+ was told chunks of event \d+, which the log has not/m,
      SOME_KILLS,
    ],
    ['last-chunks-again', /^- Who read .+ was told of event (\d+) after event \1$/m, ONE_KILL],
    ['restart-untold', /^- Who read .+ and of no restart/m, SOME_KILLS],
    ['cursor-ahead', /^- The webhook \S+ never got event \d+/m, FEW],
    ['deliveries-not-in-order', /^- The webhook \S+ got event \d+, .+ before event \d+ was taken/m, FEW],
  ])(
    'fails when the service has the fault %s',
    async (fault, violation, load) => {
      const { code, output } = await crash(
        ...['--rounds', '3', '--seed', SEED_OF_LOAD, ...load, '--fault', fault],
      );
      expect(output).toMatch(violation);
      expect(output).toMatch(
        /^[1-9][\d,]* violations; the database, the log and what receivers got are kept /m,
      );
      expect(code).toBe(1);
    },
    300_000,
  );

  test.each(Object.keys({ ...faults, ...clusterFaults }) as (FaultName | ClusterFaultName)[])(
    'has the fault %s that fits the built service',
    (fault) => {
      for (const file of brokenFiles(fault)) {
        const code = readFileSync(join(DIST, file), 'utf8');
        expect(breakCode(fault, file, code)).not.toBe(code);
      }
    },
  );

  test('refuses a fault that does not fit the code', () => {
    expect(() => breakCode('fencing-off', 'run/attempts.js', 'something else')).toThrow(
      /has 0 times, not once/,
    );
  });

  test('does the same to the service again when it is given the same seed', () => {
    const script = (seed: number) =>
      planRounds(seed, 5, 3).map(({ callers, subscriber: _, ...round }) => ({
        ...round,
        requests: callers.map((random) => [randomRequest(random), randomRequest(random)]),
      }));
    expect(script(7)).toEqual(script(7));
    expect(script(7)).not.toEqual(script(8));
  });
});
