import { describe, expect, test } from '@jest/globals';
import { problem, type ProblemCode } from '../http/problems.js';
import { openAiErrorAt } from './openai-error.js';

const told = (code: ProblemCode, extensions: object = {}) =>
  openAiErrorAt('/openai/chat/v1/models', problem(code, 'That’s it', {}, { ...extensions }))?.error;

describe('an error for clients of OpenAI', () => {
  test.each([
    ['unauthorized', 'authentication_error'],
    ['forbidden', 'permission_error'],
    ['too-many-requests', 'rate_limit_error'],
    ['not-found', 'invalid_request_error'],
    ['stopping', 'server_error'],
  ] as const)('of %s is an %s', (code, type) => {
    expect(told(code)).toEqual({ message: 'That’s it', type, param: null, code });
  });

  test.each([
    ['/messages/0/a~1b', 'messages[0].a/b'],
    ['/input/messages', 'messages'],
    ['/input', null],
    ['', null],
  ])('at %s names %s', (pointer, param) => {
    const error = told('invalid-request', {
      errors: [{ pointer, detail: 'is wrong' }, { pointer: '/other' }],
    });
    expect(error).toMatchObject({ param, message: `${param ?? 'The body'}: is wrong` });
  });

  test('names a header that is wrong', () => {
    const errors = [{ header: 'Idempotency-Key', detail: 'is empty' }];
    expect(told('invalid-request', { errors })).toMatchObject({
      message: 'Idempotency-Key: is empty',
      param: null,
    });
  });

  test('says why each sub-task failed', () => {
    const failures = ['a', 'b'].map((subTask) => ({ subTask, code: 'threw', message: 'no' }));
    expect(told('run-failed', { failures })?.message).toBe('That’s it; a: no; b: no');
  });

  test('is for their paths alone', () => {
    const paths = ['/tasks/openai/runs', '/openai', '/openais/x'];
    expect(paths.map((path) => openAiErrorAt(path, problem('not-found', '', {})))).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });
});
