import type { RequestListener } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { openAiStream, pieces, streamFaults } from '../../support/streaming-upstreams.js';
import { tasksFiles } from '../../support/tasks-file.js';
import { TestApp } from '../../support/test-app.js';
import { json, misbehaviours, UpstreamServer } from '../../support/upstreams.js';

/** Members of a task, and of its first sub-task, as YAML has them in a flow mapping. */
interface Terms {
  readonly task?: string;
  /** Default: events with JSON, of which the text counts. */
  readonly stream?: string;
  readonly faulty?: string;
}

type Fault = readonly [name: string, answer: RequestListener, code: string, terms?: Terms];

const texts = (...all: readonly string[]) => all.map((text) => ({ text }));
const HALF = texts('hal', 'f');
const GOOD = texts('all', ' is', ' well');
const STREAM = 'sse, chunk: /text';
const UMLAUTS = 'Grüße, 世界, 👩🏽‍🚀!';

/** Fail before a chunk wins. */
const BEFORE: readonly Fault[] = [
  ['a stream without a frame', streamFaults.empty(), 'stream-empty'],
  [
    'frames with nothing in them',
    streamFaults.hollow([{}, { text: '' }]),
    'stream-empty',
    { faulty: 'end: "[DONE]"' },
  ],
  ['an error frame first', streamFaults.errorFrameFirst('overloaded'), 'upstream-unfit'],
  ['an error in the first frame', streamFaults.errorFrame('overloaded'), 'upstream-unfit'],
  ['a start that stalls', streamFaults.stallBefore(), 'stream-stalled', { faulty: 'firstChunk: 60ms' }],
  ['a refusal for now', misbehaviours.notNow('60'), 'upstream-status'],
  ['a connection that is reset', misbehaviours.resetInHeaders, 'upstream-unreachable'],
  ['an answer that is no stream', json({ text: 'whole' }), 'upstream-unfit'],
  ['a frame without end', streamFaults.endlessFrame, 'upstream-unfit', { faulty: 'maxResponse: 200kb' }],
];

/** Break off when callers may have been shown some. */
const AFTER: readonly Fault[] = [
  ['stalls', streamFaults.stallAfter(HALF), 'stream-stalled', { faulty: 'idle: 60ms' }],
  ['has an error frame', streamFaults.errorFrame('overloaded', HALF), 'upstream-unfit'],
  ['is shorter than it said', streamFaults.cutShort(HALF), 'upstream-unfit'],
  ['has bytes that are no UTF-8', streamFaults.brokenUtf8('{"text":"half"}'), 'upstream-unfit'],
  ['never ends', streamFaults.endless(), 'result-too-large', { stream: 'sse' }],
];

describe('a race of HTTP streams', () => {
  const write = tasksFiles();
  const routes = new Map<string, RequestListener>([['/good', pieces(GOOD)]]);
  const tasks: string[] = [];
  let upstream: UpstreamServer;
  let service: TestApp;

  /** Adds a task whose second sub-task, which is fine, starts when the first one has failed. @returns its name */
  function task(answer: RequestListener, { task = '', stream = STREAM, faulty = '' }: Terms = {}): string {
    const name = `t${routes.size}`;
    routes.set(`/${name}`, answer);
    const http = 'kind: http, allowPrivate: true';
    tasks.push(`  ${name}:
    ${task}
    subTasks:
      - { name: faulty, ${http}, url: ORIGIN/${name}, stream: ${stream}, ${faulty} }
      - { name: good, ${http}, url: ORIGIN/good, stream: ${STREAM}, start: after-failure }`);
    return name;
  }

  const rows = (faults: readonly Fault[], members?: string) =>
    faults.map(
      ([what, answer, code, terms]) =>
        [what, task(answer, { ...terms, ...(members && { task: members }) }), code] as const,
    );
  const before = rows(BEFORE);
  const failing = rows(AFTER);
  const restarting = rows(AFTER, 'onBreak: restart');
  const whole: readonly (readonly [string, string, unknown])[] = [
    ['a byte at a time', task(streamFaults.drip(texts('a', 'b', 'c'))), 'abc'],
    [
      'with characters that are cut',
      task(streamFaults.splitCharacters(JSON.stringify({ text: UMLAUTS }))),
      UMLAUTS,
    ],
    [
      'of lines, a byte at a time',
      task(streamFaults.drip(texts(UMLAUTS, '!'), 'ndjson'), { stream: 'ndjson, chunk: /text' }),
      `${UMLAUTS}!`,
    ],
    [
      'of bytes, with characters that are cut',
      task(streamFaults.splitCharacters(UMLAUTS, 'bytes'), { stream: 'bytes' }),
      UMLAUTS,
    ],
    ['with a chunk of 500 kB', task(streamFaults.hugeChunk(0.5), { stream: 'sse' }), 'x'.repeat(2 ** 19)],
  ];
  const huge = task(streamFaults.hugeChunk(10), { stream: 'sse' });
  const openAi = task(openAiStream(['Hel', 'lo'], { usage: true }), {
    stream: 'sse, chunk: /choices/0/delta/content, end: "[DONE]"',
  });
  const arrived = Promise.withResolvers<undefined>();
  const reset = task(streamFaults.resetMidway(HALF, arrived.promise));

  beforeAll(async () => {
    upstream = await UpstreamServer.start((request, response) =>
      routes.get(request.url!)!(request, response),
    );
    const file = write(`tasks:\n${tasks.join('\n').replaceAll('ORIGIN', upstream.origin)}\n`);
    service = await TestApp.start({ env: { TASKS_FILE: file } });
  });
  afterAll(async () => {
    await service.close();
    await upstream.close();
  });

  const failure = async (runId: string) => (await service.event(runId, 'sub-task.failed', 'faulty')).data;

  test.each(before)('does not let %s win: the next one starts', async (_what, name, code) => {
    const { runId, answeredBy, result } = await service.answer(name);
    expect({ answeredBy, result }).toEqual({ answeredBy: 'good', result: 'all is well' });
    expect(await failure(runId)).toMatchObject({ error: { code } });
  });

  test.each(failing)('fails when the stream that callers were shown %s', async (_what, name, code) => {
    const response = await service.run(name);
    expect(response.status).toBe(502);
    const { runId, failures } = response.body as { runId: string; failures: unknown[] };
    expect(failures).toContainEqual(expect.objectContaining({ subTask: 'faulty', code }));
    const { subTasks } = await service.finishedRun(runId);
    expect(subTasks).toMatchObject([{ status: 'failed' }, { status: 'skipped' }]);
  });

  test.each(restarting)(
    'begins from scratch, where the task says so, when that stream %s',
    async (_what, name, code) => {
      const { runId, answeredBy, result } = await service.answer(name);
      expect({ answeredBy, result }).toEqual({ answeredBy: 'good', result: 'all is well' });
      expect(await failure(runId)).toMatchObject({
        error: { code },
        stream: { firstChunkMs: expect.any(Number) },
      });
    },
  );

  test.each(whole)('brings a stream %s as it was', async (_what, name, result) => {
    expect(await service.answer(name)).toMatchObject({ answeredBy: 'faulty', result });
  });

  test('refuses a chunk that is larger than results may be', async () => {
    const { runId, answeredBy } = await service.answer(huge);
    expect(answeredBy).toBe('good');
    expect(await failure(runId)).toMatchObject({ error: { code: expect.stringMatching(/too-large|unfit/) } });
  });

  test('counts the tokens of a stream as OpenAI has it', async () => {
    const { runId, result } = await service.answer(openAi);
    expect(result).toBe('Hello');
    expect(await service.event(runId, 'sub-task.succeeded')).toMatchObject({
      data: { stream: { tokens: 2 } },
    });
  });

  test('fails when the connection of the stream that callers were shown is reset', async () => {
    const answer = service.run(reset);
    await service.until(() =>
      service.events.find(({ task, type }) => task === reset && type === 'sub-task.streamed'),
    );
    arrived.resolve(undefined);
    const { failures } = (await answer).body as { failures: unknown[] };
    expect(failures).toContainEqual(expect.objectContaining({ subTask: 'faulty', code: 'upstream-unfit' }));
  });

  test('leaves no connection to an upstream that it has given up', async () => {
    await service.answer(before[4]![1]);
    await upstream.until(() => upstream.openConnections <= 1);
  });
});
