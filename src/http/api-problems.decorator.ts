import { applyDecorators } from '@nestjs/common';
import { ApiResponse } from './open-api.js';
import { EXAMPLE_RUN_ID } from '../core/run.js';
import { answerHeaders } from './headers.js';
import { problem, problemTypes, type Problem, type ProblemCode } from './problems.js';

/** Documents the header that leads to the run. */
export const locationHeader = {
  Location: { description: 'The address of the run.', schema: { type: 'string' as const } },
};

/** Further members of some kinds of problems. */
const extensions: Partial<Record<ProblemCode, Record<string, unknown>>> = {
  'invalid-request': {
    errors: [
      { pointer: '/reply/primary', detail: '"frist" is no sub-task of demo, which has first, second, third' },
      { parameter: 'limit', detail: 'Too big: expected number to be <=200' },
    ],
  },
  'run-finished': { runId: EXAMPLE_RUN_ID },
  'run-unfinished': { runId: EXAMPLE_RUN_ID },
  'tasks-file-wrong': {
    mistakes: [
      {
        file: 'tasks.yaml',
        line: 5,
        column: 91,
        path: 'tasks.weather.subTasks[0].timeout',
        detail: 'takes a text such as "2s", not a number',
      },
    ],
  },
  'sub-task-unknown': { runId: EXAMPLE_RUN_ID },
  'sub-task-not-failed': { runId: EXAMPLE_RUN_ID },
  'input-not-kept': { runId: EXAMPLE_RUN_ID },
  'idempotency-key-reused': { runId: EXAMPLE_RUN_ID },
  'run-failed': {
    runId: EXAMPLE_RUN_ID,
    failures: [{ subTask: 'first', code: 'timeout', message: 'took longer than 60000 ms' }],
  },
  'run-cancelled': {
    runId: EXAMPLE_RUN_ID,
    failures: [{ subTask: 'first', code: 'cancelled', message: 'the service stopped' }],
  },
  'deadline-exceeded': { runId: EXAMPLE_RUN_ID, failures: [], missing: ['first', 'second', 'third'] },
  'run-disputed': {
    runId: EXAMPLE_RUN_ID,
    failures: [],
    camps: [
      { subTasks: ['first'], value: 17 },
      { subTasks: ['second'], value: 18 },
    ],
  },
  'not-ready': { error: { runs: { status: 'down', message: 'the service is stopping' } } },
};

const otherHeaders = {
  Allow: { description: 'The methods that the path answers to.', schema: { type: 'string' as const } },
  ...answerHeaders.retryAfter,
  'WWW-Authenticate': {
    description: 'What kind of key is wanted, and what was wrong with the one that came (RFC 6750).',
    schema: { type: 'string' as const },
  },
};

const untilBreaker = {
  'Retry-After': {
    ...otherHeaders['Retry-After'],
    description:
      'Seconds until the first breaker lets an attempt through; there where each failure of `run-failed` is `circuit-open`.',
  },
};

const challenges: Partial<Record<number, string>> = {
  401: 'Bearer realm="frontrunner", error="invalid_token"',
  403: 'Bearer realm="frontrunner", error="insufficient_scope", scope="runs:write"',
};

/** Documents the problems that an operation may answer with, by status, each with an example. */
export function ApiProblems(...codes: readonly ProblemCode[]): MethodDecorator {
  const byStatus = Map.groupBy(codes, (code) => problemTypes[code].status);
  // Any request may be malformed.
  byStatus.get(400)?.unshift('bad-request');
  return applyDecorators(
    ...[...byStatus].map(([status, group]) => ApiResponse({ status, ...problemResponse(group) })),
  );
}

/** Describes a response that is one of these problems, all with one status. */
export function problemResponse(codes: readonly ProblemCode[]) {
  return {
    description: codes.map((code) => `\`${code}\`: ${problemTypes[code].happened}`).join('\n\n'),
    headers: Object.assign({}, ...codes.map(headersOf)) as Partial<
      typeof locationHeader & typeof otherHeaders
    >,
    content: {
      'application/problem+json': {
        schema: { $ref: '#/components/schemas/Problem' },
        examples: Object.fromEntries(
          codes.map((code) => [code, { summary: problemTypes[code].title, value: example(code) }]),
        ),
      },
    },
  };
}

function example(code: ProblemCode): Problem {
  return problem(code, problemTypes[code].happened, { path: '/tasks/demo/runs' }, extensions[code]);
}

function headersOf(code: ProblemCode) {
  const { status } = problemTypes[code];
  const challenge = challenges[status];
  return {
    ...(extensions[code]?.runId !== undefined && locationHeader),
    ...(status === 405 && { Allow: otherHeaders.Allow }),
    ...((status === 429 || status === 503) && { 'Retry-After': otherHeaders['Retry-After'] }),
    ...(code === 'run-failed' && untilBreaker),
    ...(challenge && { 'WWW-Authenticate': { ...otherHeaders['WWW-Authenticate'], example: challenge } }),
  };
}
