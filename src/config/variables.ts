import { z } from 'zod';
import { LOG_KINDS, LOG_LEVELS } from '../core/log-kinds.js';
import { DURATION_FORM, durationSchema, milliseconds } from '../core/duration.js';
import { count, memorySize, parseLogLevels, parseOrigins, size, SIZE_FORM } from './values.js';
import { callVariables } from './call-variables.js';
import { journalVariables } from './journal-variables.js';
import type { Variables } from './variable.js';
import { webhookVariables } from './webhook-variables.js';

export const variables = {
  ...callVariables,
  ...journalVariables,
  ...webhookVariables,
  MAX_WAIT: {
    schema: durationSchema.transform(milliseconds),
    fallback: '60s',
    takes: DURATION_FORM,
    purpose: 'How long a request may wait for a reply; past it, 202, and the run goes on.',
  },
  LOG_LEVEL: {
    schema: z.enum(LOG_LEVELS),
    fallback: 'info',
    takes: `one of ${LOG_LEVELS.join(', ')}`,
    purpose: 'The least severe lines that are logged.',
  },
  LOG_LEVELS: {
    schema: z
      .string()
      .transform(parseLogLevels)
      .refine((levels) => levels !== undefined),
    fallback: 'none',
    takes: `none, or kinds of lines with their levels, such as sub-task=warn,node=debug; kinds are ${LOG_KINDS.join(', ')}, and levels those of LOG_LEVEL: ${LOG_LEVELS.join(', ')}`,
    purpose: 'The same for lines of one kind, which is their context.',
  },
  SHUTDOWN_GRACE: {
    schema: durationSchema.transform(milliseconds),
    fallback: '30s',
    takes: DURATION_FORM,
    purpose: 'How long running sub-tasks may go on after a stop was asked for.',
  },
  MAX_CONCURRENT_SUB_TASKS: {
    schema: count(1),
    fallback: '20000',
    takes: 'a whole number from 1',
    purpose: 'How many sub-tasks run at once, not counting those that ignore their aborted signal.',
  },
  MAX_QUEUED_RUNS: {
    schema: count(1),
    fallback: '10000',
    takes: 'a whole number from 1',
    purpose: 'How many accepted runs may wait for a free slot; past it, new runs get 503.',
  },
  MAX_INPUT_BYTES: {
    schema: size,
    fallback: '100kb',
    takes: SIZE_FORM,
    purpose: 'How large the body of a request may be; past it, 413.',
  },
  MAX_RESULT_BYTES: {
    schema: size,
    fallback: '1mb',
    takes: SIZE_FORM,
    purpose: 'How large the result of a sub-task may be as JSON; past it, the sub-task has failed.',
  },
  MEMORY_BUDGET: {
    schema: z.union([z.literal('auto').transform(() => null), memorySize]),
    fallback: 'auto',
    takes: 'a size such as 256mb or 2gb, 16mb at least, or auto: a quarter of the heap that Node may use',
    purpose:
      'What inputs, results, unsent answers and streams may take in memory; past it, new runs get 503.',
  },
  MAX_CONNECTIONS: {
    schema: count(1),
    fallback: '10000',
    takes: 'a whole number from 1',
    purpose: 'How many connections may be open; past it, new ones get 503 and are closed.',
  },
  KEEP_ALIVE_TIMEOUT: {
    schema: durationSchema.transform(milliseconds).refine((ms) => ms >= 1_000),
    fallback: '75s',
    takes: `${DURATION_FORM}; 1s at least`,
    purpose: 'How long a connection is kept for its next request: longer than the proxy in front keeps it.',
  },
  CORS_ORIGINS: {
    schema: z
      .string()
      .transform(parseOrigins)
      .refine((origins) => origins !== undefined),
    fallback: 'off',
    takes: 'off, *, or origins such as https://shop.example, separated by commas and without a path',
    purpose: 'The origins whose pages may call the service from a browser.',
  },
  DEMO: {
    schema: z.enum(['on', 'off']).transform((text) => text === 'on'),
    fallback: 'on',
    takes: 'on or off',
    purpose: 'Whether there is the demo task, and /run-tasks. frontrunner serve has it only with --demo.',
  },
  DEMO_TIME_SCALE: {
    schema: z
      .string()
      .regex(/^\d{1,3}(\.\d+)?$/)
      .transform(Number)
      .refine((scale) => scale <= 10),
    fallback: '1',
    takes: 'a number from 0 to 10',
    purpose: 'Multiplies the sleeps of the demo task, so that tests and benchmarks run it fast.',
  },
} satisfies Variables;
