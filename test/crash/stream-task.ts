import { appendFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Type } from '@nestjs/common';
import type { JsonValue } from '../../src/core/json.js';
import type { SubTaskContext, SubTaskHandler } from '../../src/core/sub-task.js';
import type { Decorators } from './crash-task.ts';
import { effectLine } from './effects.ts';
import { MAX_FAILURES } from './requests.ts';
import {
  chunkOf,
  STREAM_TASKS,
  type StreamInput,
  type StreamName,
  type StreamTaskName,
} from './stream-requests.ts';

/** The classes of the tasks whose sub-tasks stream as their input says. @param effects the file they leave traces in */
export function streamTasks({ SubTask, Task }: Decorators, effects: string): Type[] {
  const handlerOf = (name: StreamName) => {
    class Streamed implements SubTaskHandler<StreamInput> {
      async *run(input: StreamInput, context: SubTaskContext): AsyncGenerator<JsonValue> {
        const { signal, attempt } = context;
        const { chunks, firstMs, everyMs, failures, breaksAt } = input[name];
        const isBroken = attempt <= failures;
        for (let index = 0; index < chunks; index += 1) {
          await sleep(index === 0 ? firstMs : everyMs, undefined, { signal });
          if (isBroken && index === breaksAt) break;
          yield chunkOf({ runId: context.runId, subTask: name, attempt }, index);
        }
        if (isBroken) throw new Error('Broke off as the input says');
        appendFileSync(effects, effectLine(name, context));
      }
    }
    SubTask({ name, stream: true, retry: { attempts: MAX_FAILURES, delay: '4ms' } })(Streamed);
    return Streamed;
  };
  const taskOf = (name: StreamTaskName) => {
    const subTasks = STREAM_TASKS[name].map((subTask) => ({
      subTask: handlerOf(subTask),
      start: subTask === 'spare' ? ('after-failure' as const) : ('at-once' as const),
    }));
    class Streams {}
    Task({ name, subTasks, onBreak: name === 'stream-restart' ? 'restart' : 'fail' })(Streams);
    return [Streams, ...subTasks.map(({ subTask }) => subTask)];
  };
  return (Object.keys(STREAM_TASKS) as StreamTaskName[]).flatMap(taskOf);
}
