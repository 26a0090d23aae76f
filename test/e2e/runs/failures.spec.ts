import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { inlineTask } from '../../support/inline-task.js';
import { expectProblem } from '../../support/problem.js';
import { TestApp } from '../../support/test-app.js';
import { circle, hostileObject, nested, revokedProxy, throwing } from '../../support/hostile-values.js';

interface Fault {
  readonly what: string;
  readonly code: string;
  readonly message: RegExp | string;
  readonly run: () => unknown;
}

const faults: readonly Fault[] = [
  { what: 'throws at once', code: 'threw', message: 'at once', run: throwing(new Error('at once')) },
  { what: 'rejects', code: 'threw', message: 'later', run: () => Promise.reject(new Error('later')) },
  { what: 'throws undefined', code: 'threw', message: /undefined/, run: throwing(undefined) },
  { what: 'throws null', code: 'threw', message: /null/, run: throwing(null) },
  { what: 'throws a text', code: 'threw', message: /out of stock/, run: throwing('out of stock') },
  { what: 'throws a symbol', code: 'threw', message: /Symbol\(no\)/, run: throwing(Symbol('no')) },
  { what: 'throws what has no text', code: 'threw', message: /\S/, run: throwing(hostileObject) },
  { what: 'throws a revoked proxy', code: 'threw', message: /\S/, run: throwing(revokedProxy()) },
  {
    what: 'throws a long error',
    code: 'threw',
    message: /^x{500}$/,
    run: throwing(new Error('x'.repeat(1e6))),
  },
  {
    what: 'throws a rejected promise’s reason',
    code: 'threw',
    message: /\S/,
    run: async () => throwing(hostileObject)(),
  },
  {
    what: 'returns a hostile thenable',
    code: 'threw',
    message: 'then',
    run: () => ({ then: throwing(new Error('then')) }),
  },
  { what: 'returns a symbol', code: 'result-not-json', message: /symbol/, run: () => Symbol('s') },
  { what: 'returns a function', code: 'result-not-json', message: /function/, run: () => ({ f: () => 1 }) },
  { what: 'returns a symbol', code: 'result-not-json', message: /symbol/, run: () => [Symbol('s')] },
  { what: 'returns NaN', code: 'result-not-json', message: /NaN/, run: () => NaN },
  { what: 'returns infinity', code: 'result-not-json', message: /Infinity/, run: () => [{ a: -Infinity }] },
  { what: 'returns a map', code: 'result-not-json', message: /Map/, run: () => new Map([[1, 2]]) },
  { what: 'returns a circle', code: 'result-not-json', message: /circular/, run: () => circle() },
  { what: 'returns a deep nest', code: 'result-not-json', message: /levels deep/, run: () => nested(200) },
  { what: 'returns a bottomless nest', code: 'result-not-json', message: /\S/, run: () => nested(200_000) },
  {
    what: 'returns __proto__',
    code: 'result-not-json',
    message: /__proto__/,
    run: () => JSON.parse('{"__proto__":1}') as unknown,
  },
  {
    what: 'returns a throwing toJSON',
    code: 'result-not-json',
    message: /no JSON/,
    run: () => ({ toJSON: throwing(new Error('no JSON')) }),
  },
  {
    what: 'returns a throwing getter',
    code: 'result-not-json',
    message: /\S/,
    run: () => Object.defineProperty({}, 'a', { enumerable: true, get: throwing(null) }),
  },
  {
    what: 'returns a revoked proxy',
    code: 'result-not-json',
    message: /\S/,
    run: async () => ({ inside: revokedProxy() }),
  },
  {
    what: 'returns too long a text',
    code: 'result-too-large',
    message: /1024/,
    run: () => 'x'.repeat(1_023),
  },
  { what: 'returns too many bytes', code: 'result-too-large', message: /1024/, run: () => ['€'.repeat(342)] },
  {
    what: 'never settles',
    code: 'timeout',
    message: 'took longer than 20 ms',
    run: () => new Promise(() => undefined),
  },
];

describe('a sub-task', () => {
  let service: TestApp;
  beforeAll(async () => {
    const tasks = faults.map(({ run }, index) =>
      inlineTask(`fault-${index}`, { faulty: { timeout: 20, run } }),
    );
    service = await TestApp.start({
      env: { MAX_RESULT_BYTES: '1kb' },
      providers: tasks.flat(),
    });
  });
  afterAll(() => service.close());

  test.each(faults.map((fault, index) => ({ ...fault, task: `fault-${index}` })))(
    'that $what has failed with the code $code, and the service goes on',
    async ({ task, code, message }) => {
      const response = await service.run(task);
      const { runId, failures } = await expectProblem(service, response, 502, 'run-failed');
      expect(failures).toEqual([{ subTask: 'faulty', code, message: expect.stringMatching(message) }]);
      expect(response.get('Location')).toBe(`/runs/${String(runId)}`);

      const run = await service.finishedRun(String(runId));
      expect(run).toMatchObject({ status: 'failed', reply: { error: { code: 'run-failed', failures } } });
      const error = { code, message: expect.stringMatching(message) };
      expect(run.subTasks).toEqual([expect.objectContaining({ status: 'failed', attempts: 1, error })]);
      expect(service.log.messagesOf(run.id).slice(-3)).toEqual([
        expect.stringMatching(/^faulty failed: /),
        expect.stringMatching(/ replied in \d+ ms with an error: /),
        `${task} failed`,
      ]);
      expect(await service.answer('demo')).toMatchObject({ result: 'First result' });
    },
  );
});
