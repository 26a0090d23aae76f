import { applyDecorators } from '@nestjs/common';
import { ApiResponse } from '@nestjs/swagger';
import { problem, problemTypes, type Problem, type ProblemCode } from './problems.js';

const RUN_ID = '019a2b3c-4d5e-7f60-8a9b-0c1d2e3f4a5b';

/** Documents the header that leads to the run. */
export const locationHeader = {
  Location: { description: 'The path of the run.', schema: { type: 'string' as const } },
};

/** Members that a kind of problem has besides those of every problem document. */
const extensions: Partial<Record<ProblemCode, Record<string, unknown>>> = {
  'invalid-request': {
    errors: [
      { pointer: '/reply/primary', detail: '"frist" is no sub-task of demo, which has first, second, third' },
    ],
  },
  'run-failed': {
    runId: RUN_ID,
    failures: [{ subTask: 'first', code: 'timeout', message: 'took longer than 60000 ms' }],
  },
  'run-cancelled': {
    runId: RUN_ID,
    failures: [{ subTask: 'first', code: 'cancelled', message: 'the service stopped' }],
  },
  'not-ready': { error: { runs: { status: 'down', message: 'the service is stopping' } } },
};

/** Documents the problems that an operation may answer with, by status, each with an example. */
export function ApiProblems(...codes: readonly ProblemCode[]): MethodDecorator {
  const byStatus = Map.groupBy(codes, (code) => problemTypes[code].status);
  return applyDecorators(
    ...[...byStatus].map(([status, group]) =>
      ApiResponse({
        status,
        description: group.map((code) => `\`${code}\`: ${problemTypes[code].happened}`).join('\n\n'),
        headers: headersOf(status),
        content: {
          'application/problem+json': {
            schema: { $ref: '#/components/schemas/Problem' },
            examples: Object.fromEntries(
              group.map((code) => [code, { summary: problemTypes[code].title, value: example(code) }]),
            ),
          },
        },
      }),
    ),
  );
}

function example(code: ProblemCode): Problem {
  return problem(code, problemTypes[code].happened, '/tasks/demo/runs', extensions[code]);
}

function headersOf(status: number) {
  if (status === 503)
    return {
      'Retry-After': {
        description: 'Seconds to wait before the next try.',
        schema: { type: 'integer' as const },
      },
    };
  if (status === 502) return locationHeader;
  return {};
}
