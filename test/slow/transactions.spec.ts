import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { getCompileCacheDir } from 'node:module';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Client } from 'pg';
import { temporaryDatabase } from '../support/postgres-database.js';
import type { Fate, Order } from '../support/transaction-program.js';

const PROGRAM = fileURLToPath(new URL('../support/transaction-program.ts', import.meta.url));
const ORDERS = 1_000;
const PROCESSES = 3;
/** How many orders a process makes at once. */
const AT_ONCE = 4;

/** Of each 150 three end their process. Of the rest a third is rolled back. */
function fateOf(number: number): Fate {
  if (number % 150 === 40) return 'die-before-commit';
  if (number % 150 === 90) return 'die-after-commit';
  if (number % 150 === 140) return 'die-before-start';
  return number % 3 === 0 ? 'rollback' : 'commit';
}

/** A process that makes orders, and is started again when it has died. */
class Shop {
  private readonly waiting = new Map<number, () => void>();
  private child: Promise<ChildProcess> | undefined;
  deaths = 0;

  constructor(
    private readonly url: string,
    private readonly refusals: string[],
  ) {}

  /** Resolves when it was made, or the process has died meanwhile. */
  async order(number: number, fate: Fate): Promise<void> {
    const child = await (this.child ??= this.start());
    const { promise, resolve } = Promise.withResolvers<undefined>();
    this.waiting.set(number, () => {
      resolve(undefined);
    });
    child.send([number, fate] satisfies Order, () => undefined);
    await promise;
  }

  async stop(): Promise<void> {
    const child = await this.child;
    if (child?.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'close');
  }

  private async start(): Promise<ChildProcess> {
    const child = fork(PROGRAM, {
      cwd: '/',
      env: {
        PORT: '0',
        NODE_COMPILE_CACHE: getCompileCacheDir(),
        DATABASE_URL: this.url,
        NODE_TIMEOUT: '4s',
        DEMO_TIME_SCALE: '0.001',
        LOG_LEVEL: 'silent',
      },
      execArgv: [],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    child.once('close', () => {
      this.deaths += 1;
      this.child = undefined;
      for (const end of this.waiting.values()) end();
      this.waiting.clear();
    });
    await once(child, 'message');
    child.on('message', ([number, refusal]: [number, string?]) => {
      if (refusal !== undefined) this.refusals.push(refusal);
      this.waiting.get(number)?.();
      this.waiting.delete(number);
    });
    return child;
  }
}

describe('a thousand orders, each with a run in its transaction, at nodes that die', () => {
  let client: Client;
  let shops: Shop[];
  const refusals: string[] = [];
  beforeAll(async () => {
    const url = await temporaryDatabase();
    client = new Client(url);
    await client.connect();
    await client.query('CREATE TABLE orders (run_id text PRIMARY KEY)');
    shops = Array.from({ length: PROCESSES }, () => new Shop(url, refusals));
  });
  afterAll(async () => {
    await Promise.all(shops.map((shop) => shop.stop()));
    await client.end();
  });

  const column = async (sql: string): Promise<unknown[]> => {
    const { rows } = await client.query<{ value: unknown }>(sql);
    return rows.map(({ value }) => value);
  };
  const count = async (of: string) => (await column(`SELECT count(*)::integer AS value FROM ${of}`))[0];

  test('have a run that was started once, and has succeeded, where they are committed; the others have none', async () => {
    let next = 0;
    const make = async (shop: Shop): Promise<void> => {
      while (next < ORDERS) {
        const number = next++;
        await shop.order(number, fateOf(number));
      }
    };
    await Promise.all(shops.flatMap((shop) => Array.from({ length: AT_ONCE }, () => make(shop))));
    while ((await count('frontrunner.requested_runs')) !== 0) await delay(50);
    while ((await count('frontrunner.open_runs')) !== 0) await delay(50);

    const committed = await column('SELECT run_id AS value FROM orders ORDER BY run_id');
    const started = `SELECT run_id AS value FROM frontrunner.events WHERE type = 'run.started' ORDER BY run_id`;
    expect(await column(started)).toEqual(committed);
    expect(
      await column(`SELECT id AS value FROM frontrunner.runs WHERE status = 'succeeded' ORDER BY id`),
    ).toEqual(committed);
    expect(await count(`frontrunner.events WHERE type = 'sub-task.succeeded'`)).toBe(3 * committed.length);
    // Two that are to end their process may be under way there at once.
    expect(shops.map(({ deaths }) => deaths).reduce((sum, deaths) => sum + deaths)).toBeGreaterThan(10);
    // A node that was halted for long is taken for dead, and refuses what it is told meanwhile.
    expect({ refusals, isMost: committed.length > 0.6 * ORDERS }).toMatchObject({ isMost: true });
  }, 300_000);
});
