import type { Type } from '@nestjs/common';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { SubTaskContext } from '../../src/core/sub-task.js';
import type { InlineSubTask } from './inline-task.js';
import { inlineTask } from './inline-task.js';

/** A sub-task that takes so long. */
function takes(ms: number, result: unknown, options: Omit<InlineSubTask, 'run'> = {}): InlineSubTask {
  const run = async (_input: unknown, { signal }: SubTaskContext): Promise<unknown> => {
    await sleep(ms, undefined, { signal });
    return result;
  };
  return { ...options, run };
}

/** One whose attempts fail after a while, until one succeeds. */
function failsFirst(ms: readonly number[], lastMs: number, retry: InlineSubTask['retry']): InlineSubTask {
  const run = async (_input: unknown, { attempt, signal }: SubTaskContext): Promise<unknown> => {
    const failsAfter = ms[attempt - 1];
    await sleep(failsAfter ?? lastMs, undefined, { signal });
    if (failsAfter !== undefined) throw new Error('503 Service Unavailable');
    return { price: 102.1, venue: 'south' };
  };
  return { ...(retry && { retry }), run };
}

/** Tasks whose runs have something of everything that the page shows. */
export const raceTasks: readonly Type[] = [
  ...inlineTask(
    'quote',
    {
      west: takes(640, { price: 101.4, currency: 'EUR', venue: 'west', at: '2026-11-23T12:00:00Z' }),
      east: takes(1_150, { price: 101.9, venue: 'east' }),
      south: failsFirst([210], 420, { attempts: 3, delay: '300ms' }),
      legacy: {
        run: async (_input, { signal }) => {
          await sleep(520, undefined, { signal });
          throw new Error('the certificate has expired');
        },
      },
      archive: {
        start: { after: '400ms' },
        run: async (_input, { signal, progress }) => {
          progress({ percent: 40 });
          await sleep(5_000, undefined, { signal });
        },
      },
      spare: takes(5_000, { price: 103 }, { start: 'after-failure' }),
      backup: takes(100, { price: 104 }, { start: 'after-failure' }),
    },
    {
      losers: { policy: 'cancel-after', after: '900ms' },
      hedgeBudget: '100%',
      input: z.object({
        symbol: z.string().meta({ description: 'Such as EURUSD.' }),
        amount: z.int().optional(),
        venue: z.enum(['any', 'west', 'east']).optional(),
      }),
    },
  ),
];
