import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ControlledStream } from '../../support/controlled-stream.js';
import { MESSAGES as messages, openAi } from '../../support/openai-client.js';
import { temporaryDirectory } from '../../support/temporary-directory.js';
import { TestApp } from '../../support/test-app.js';

const frame = (delta: object, reason: string | null = null) => ({
  choices: [{ index: 0, delta, finish_reason: reason }],
});

describe('a service in OpenAI’s shape that asks another one', () => {
  const directory = temporaryDirectory();
  const chat = new ControlledStream('chat', { only: {} }, { face: 'openai-chat' });
  let behind: TestApp;
  let service: TestApp;
  beforeAll(async () => {
    behind = await TestApp.start({ providers: chat.providers, amongOthers: true });
    const path = join(directory, 'tasks.json');
    const subTask = {
      name: 'behind',
      kind: 'http',
      url: `${behind.url}/openai/chat/v1/chat/completions`,
      method: 'POST',
      body: { model: 'theirs', messages: '{messages}', tools: '{tools}', stream: true },
      stream: 'sse',
      chunk: '',
      wins: '{% $boolean(choices.delta.content) or $boolean(choices.delta.tool_calls) %}',
      end: '[DONE]',
      allowPrivate: true,
    };
    writeFileSync(path, JSON.stringify({ tasks: { front: { face: 'openai-chat', subTasks: [subTask] } } }));
    service = await TestApp.start({ env: { TASKS_FILE: path }, amongOthers: true });
  });
  afterAll(async () => {
    await service.close();
    await behind.close();
  });

  const call = {
    id: 'a',
    type: 'function' as const,
    function: { name: 'weather', arguments: '{"city":"Oslo"}' },
  };
  const tools = [{ type: 'function' as const, function: { name: 'weather' } }];

  /** Brings the call in pieces. */
  async function answer(): Promise<void> {
    const stream = await chat.next('only');
    expect(stream.input).toEqual({ model: 'theirs', messages, tools, stream: true });
    const [begin, end] = ['{"city":', '"Oslo"}'];
    const first = { ...call, index: 0, function: { name: 'weather', arguments: begin } };
    stream.send(frame({ role: 'assistant', content: null, tool_calls: [first] }));
    stream.send(frame({ tool_calls: [{ index: 0, function: { arguments: end } }] }));
    stream.send(frame({}, 'tool_calls'));
    stream.end();
  }

  test('passes calls of tools on, in pieces', async () => {
    const stream = openAi(service, 'front').chat.completions.stream({ model: 'any', messages, tools });
    const finished = stream.finalChatCompletion();
    await answer();
    const { choices, model } = await finished;
    expect(choices).toMatchObject([{ message: { tool_calls: [call] }, finish_reason: 'tool_calls' }]);
    expect(model).toBe('any');
  });

  test('passes calls of tools on, whole', async () => {
    const asked = openAi(service, 'front').chat.completions.create({ model: 'any', messages, tools });
    const whole = Promise.resolve(asked);
    await answer();
    expect((await whole).choices).toMatchObject([
      { message: { role: 'assistant', tool_calls: [call] }, finish_reason: 'tool_calls' },
    ]);
  });
});
