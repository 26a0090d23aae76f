import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { AuthenticationError, type OpenAI } from 'openai';
import { timeOfId } from '../../../src/core/run-id.js';
import { ApiKeys } from '../../support/api-keys.js';
import { ControlledTask } from '../../support/controlled-task.js';
import { FACES } from '../../support/faces.js';
import { inlineTask } from '../../support/inline-task.js';
import { MESSAGES, openAi, refusal } from '../../support/openai-client.js';
import { TestApp } from '../../support/test-app.js';

const messages = MESSAGES;

describe.each(FACES)('%s: a task with face: openai-chat', (face) => {
  const chat = new ControlledTask(
    'chat',
    { north: {}, south: {} },
    { face: 'openai-chat', losers: 'cancel' },
  );
  let service: TestApp;
  let client: OpenAI;
  beforeAll(async () => {
    const closed = inlineTask('closed', { only: { run: () => 'A' } });
    service = await TestApp.start({ face, providers: [...chat.providers, ...closed] });
    client = clientOf('chat');
  });
  afterAll(() => service.close());

  const clientOf = (task: string): OpenAI => openAi(service, task);

  test('answers a client of OpenAI with its result, and gets the whole request as its input', async () => {
    const request = { model: 'any', messages, temperature: 0.5, user: 'me' };
    const asked = client.chat.completions.create(request).withResponse();
    const { north, south } = await chat.all();
    expect(north.input).toEqual(request);
    south.succeed('Good day.');
    const { data, response } = await asked;
    const { runId } = north.context;
    expect(data).toMatchObject({
      id: `chatcmpl-${runId}`,
      object: 'chat.completion',
      model: 'any',
      choices: [{ index: 0, message: { role: 'assistant', content: 'Good day.' }, finish_reason: 'stop' }],
    });
    expect(data.created).toBe(Math.floor(timeOfId(runId) / 1000));
    expect(response.headers.get('location')).toBe(`${service.base}/runs/${runId}`);
    expect((await service.finishedRun(runId)).subTasks.map(({ status }) => status)).toEqual([
      'cancelled',
      'succeeded',
    ]);
  });

  test('says so of itself, and is its one model', async () => {
    expect((await service.http.get('/tasks/chat')).body).toMatchObject({ face: 'openai-chat' });
    expect((await client.models.list()).data).toMatchObject([{ id: 'chat', object: 'model' }]);
  });

  test('passes an OpenAI-shaped answer on, with its calls of tools and its usage', async () => {
    const asked = client.chat.completions.create({ model: 'any', messages });
    const call = { id: 'a', type: 'function', function: { name: 'weather', arguments: '{}' } };
    const message = { role: 'assistant', content: null, tool_calls: [call] };
    const usage = { prompt_tokens: 5, completion_tokens: 7, total_tokens: 12 };
    (await chat.all()).north.succeed({
      id: 'theirs',
      choices: [{ index: 0, message, finish_reason: 'tool_calls' }],
      usage,
    });
    const answer = await asked;
    expect(answer).toMatchObject({
      model: 'any',
      choices: [{ message, finish_reason: 'tool_calls' }],
      usage,
    });
    expect(answer.id).toMatch(/^chatcmpl-/);
  });

  test('says in OpenAI’s words why it failed', async () => {
    const asked = refusal(client.chat.completions.create({ model: 'any', messages }));
    const { north, south } = await chat.all();
    north.fail(new Error('no power'));
    south.fail(new Error('no light'));
    const error = await asked;
    expect(error).toMatchObject({ status: 502, code: 'run-failed', type: 'server_error', param: null });
    expect(error.message).toMatch(/north: no power; south: no light/);
  });

  test('refuses what does not fit, and names the member', async () => {
    const wrong = await refusal(client.chat.completions.create({ model: 'any', messages: [{} as never] }));
    expect(wrong).toMatchObject({
      status: 400,
      code: 'invalid-request',
      type: 'invalid_request_error',
      param: 'messages[0].role',
    });
    const several = await refusal(client.chat.completions.create({ model: 'any', messages, n: 2 }));
    expect(several).toMatchObject({ status: 400, param: 'n' });
    expect(several.message).toContain('there is one answer');
  });

  test('answers with OpenAI’s errors at its paths alone, also before it is reached', async () => {
    const path = '/openai/chat/v1/chat/completions';
    const malformed = await service.http.post(path).type('json').send('{');
    expect([malformed.status, malformed.type, malformed.body]).toMatchObject([
      400,
      'application/json',
      { error: { code: 'malformed-json', type: 'invalid_request_error' } },
    ]);
    const text = await service.http.post(path).type('text').send('hello');
    expect([text.status, text.body]).toMatchObject([415, { error: { code: 'unsupported-media-type' } }]);
    const get = await service.http.get(path);
    expect([get.status, get.get('Allow'), get.body]).toMatchObject([
      405,
      expect.stringContaining('POST'),
      { error: { code: 'method-not-allowed' } },
    ]);
    const elsewhere = await service.http.get('/openais');
    expect(elsewhere.type).toBe('application/problem+json');
  });

  test.each(['closed', 'demo', 'nothing'])('is there for tasks that say so: not for %s', async (task) => {
    const code = task === 'nothing' ? 'task-unknown' : 'not-found';
    const other = clientOf(task);
    const before = service.runsStarted;
    const asked = other.chat.completions.create({ model: 'any', messages });
    expect(await refusal(asked)).toMatchObject({ status: 404, code, type: 'invalid_request_error' });
    expect(await refusal(other.models.list())).toMatchObject({ status: 404, code });
    expect(service.runsStarted).toBe(before);
  });

  test('gives the same run for the same Idempotency-Key', async () => {
    const ask = (content: string) =>
      client.chat.completions
        .create(
          { model: 'any', messages: [{ role: 'user', content }] },
          { headers: { 'Idempotency-Key': 'k-1' } },
        )
        .withResponse();
    const first = ask('Hello?');
    (await chat.all()).north.succeed('Once.');
    const again = await ask('Hello?');
    expect(again.data).toEqual((await first).data);
    expect(again.response.headers.get('idempotency-replayed')).toBe('true');
    expect(await refusal(ask('Who?'))).toMatchObject({ status: 422, code: 'idempotency-key-reused' });
  });
});

describe('keys of clients of OpenAI', () => {
  const keys = new ApiKeys();
  const own = keys.create('own', 'runs:write:own');
  const reader = keys.create('reader', 'runs:read');
  let service: TestApp;
  beforeAll(async () => {
    const task = inlineTask('chat', { only: { run: () => 'A' } }, { face: 'openai-chat' });
    service = await TestApp.start({ providers: task, env: { API_KEYS_FILE: keys.path } });
  });
  afterAll(async () => {
    await service.close();
    keys.remove();
  });

  const ask = (key: string) =>
    openAi(service, 'chat', key).chat.completions.create({ model: 'any', messages });

  test('are those of the service', async () => {
    expect((await ask(own)).choices[0]?.message.content).toBe('A');
    const wrong = await refusal(ask('wrong'));
    expect(wrong).toMatchObject({ status: 401, type: 'authentication_error', code: 'unauthorized' });
    expect(wrong).toBeInstanceOf(AuthenticationError);
    expect(await refusal(ask(reader))).toMatchObject({
      status: 403,
      type: 'permission_error',
      code: 'forbidden',
    });
    expect((await openAi(service, 'chat', reader).models.list()).data).toHaveLength(1);
  });
});
