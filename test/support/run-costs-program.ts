/**
 * A process of the built service without HTTP, which says what a run of the demo costs: bytes allocated, promises made, and the
 * commits it had, each shared with others.
 */
import { createHook } from 'node:async_hooks';
import { getHeapStatistics } from 'node:v8';
import { NestFactory } from '@nestjs/core';
import type * as appFile from '../../src/app.module.js';
import type * as configFile from '../../src/config/config.js';
import type * as journalFile from '../../src/run/journal.js';
import type * as serviceFile from '../../src/tasks/tasks.service.js';

const WARM_UP = 2_000;
const RUNS = 2_000;
const TURNS = 6;
const AT_ONCE = 16;

const built = <T>(path: string) => import(new URL(`../../dist/${path}`, import.meta.url).href) as Promise<T>;
const { AppModule } = await built<typeof appFile>('app.module.js');
const { parseConfig } = await built<typeof configFile>('config/config.js');
const { Journal } = await built<typeof journalFile>('run/journal.js');
const { TasksService } = await built<typeof serviceFile>('tasks/tasks.service.js');
const app = await NestFactory.createApplicationContext(AppModule.with(parseConfig(process.env)), {
  logger: false,
});
const tasks = app.get(TasksService, { strict: false });
const { groups } = app.get(Journal, { strict: false });

async function run(count: number): Promise<void> {
  let left = count;
  const caller = async (): Promise<void> => {
    while (left-- > 0) await tasks.reply(await tasks.start('demo'));
  };
  await Promise.all(Array.from({ length: AT_ONCE }, caller));
}

/** All that was ever allocated, which Node 26 counts and the types of older ones don't name. */
function allocatedBytes(): number {
  return (getHeapStatistics() as unknown as { total_allocated_bytes: number }).total_allocated_bytes;
}

let promises = 0;
const hook = createHook({
  init(_id, type) {
    if (type === 'PROMISE') promises += 1;
  },
});

await run(WARM_UP);
// Code is compiled and recompiled meanwhile: the least of several turns is what runs cost.
let bytes = Infinity;
for (let turn = 0; turn < TURNS; turn += 1) {
  const before = allocatedBytes();
  await run(RUNS);
  bytes = Math.min(bytes, (allocatedBytes() - before) / RUNS);
}
let commits = 0;
if (groups)
  groups.onCommitted = () => {
    commits += 1;
  };
hook.enable();
await run(RUNS);
hook.disable();
const costs = { bytes, promises: promises / RUNS, commits: commits / RUNS };
process.stdout.write(`${JSON.stringify(costs)}\n`);
await tasks.stop();
await app.close();
