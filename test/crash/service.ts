/** What the harness starts: the built service by its own main.js, with the tasks of the harness among its own. */
import { readFileSync } from 'node:fs';
import { flushCompileCache, registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { Type } from '@nestjs/common';
import type * as subTaskFile from '../../src/tasks/sub-task.js';
import type * as taskFile from '../../src/tasks/task.js';
import { crashModule } from './crash-task.ts';
import { breakCode, brokenFiles, type ClusterFaultName, type FaultName } from './faults.ts';
import type { TaskName } from './requests.ts';

const built = (file: string) => new URL(`../../dist/${file}`, import.meta.url).href;
const { CRASH_EFFECTS: effects = '', CRASH_FAULT: fault, CRASH_CLOCK_SKEW: skew = '0' } = process.env;
const { CRASH_WEBHOOK: webhook = '' } = process.env;
const isOlder = process.env.CRASH_OLDER === 'true';
const tasks: readonly TaskName[] = ['crash', 'crash-placed', ...(isOlder ? [] : ['crash-newer' as const])];

// The clock of this process is so many milliseconds ahead.
const machineNow = Date.now.bind(Date);
if (skew !== '0') Date.now = () => machineNow() + Number(skew);

if (fault !== undefined) insertFault(fault as FaultName | ClusterFaultName);
const { SubTask } = (await import(built('tasks/sub-task.js'))) as typeof subTaskFile;
const { Task } = (await import(built('tasks/task.js'))) as typeof taskFile;
const { AppModule } = (await import(built('app.module.js'))) as { AppModule: Type };
const imports = (Reflect.getMetadata('imports', AppModule) ?? []) as Type[];
Reflect.defineMetadata(
  'imports',
  [...imports, crashModule({ SubTask, Task }, effects, tasks, webhook)],
  AppModule,
);
await import(built('main.js'));
// A process that is killed has no end to do that at.
flushCompileCache();

/** Changes files of the build as they are loaded. */
function insertFault(name: FaultName | ClusterFaultName): void {
  const targets = new Map(brokenFiles(name).map((file) => [built(file), file]));
  registerHooks({
    load(url, context, nextLoad) {
      const file = targets.get(url);
      if (file === undefined) return nextLoad(url, context);
      const source = breakCode(name, file, readFileSync(fileURLToPath(url), 'utf8'));
      return { format: 'module', source, shortCircuit: true };
    },
  });
}
