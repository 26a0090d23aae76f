import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { OpenAI } from 'openai';
import type { ChatCompletionChunk } from 'openai/resources';
import { ControlledStream } from '../../support/controlled-stream.js';
import { ControlledTask } from '../../support/controlled-task.js';
import { FACES } from '../../support/faces.js';
import { MESSAGES as messages, openAi, refusal } from '../../support/openai-client.js';
import { temporaryDirectory } from '../../support/temporary-directory.js';
import { TestApp } from '../../support/test-app.js';

type Asked = Partial<OpenAI.ChatCompletionCreateParamsStreaming>;

/** An answer in pieces, as a client reads it. */
class Pieces {
  readonly chunks: ChatCompletionChunk[] = [];
  /** Resolves when it is at its end; rejects with what the client throws. */
  readonly end: Promise<void>;
  private readonly waiting = new Set<() => void>();

  constructor(source: AsyncIterable<ChatCompletionChunk>) {
    this.end = this.read(source);
    this.end.catch(() => undefined);
  }

  get text(): string {
    return this.chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join('');
  }

  /** Resolves as soon as it says so much. */
  until(text: string): Promise<void> {
    return new Promise((resolve) => {
      const check = (): void => {
        if (this.text !== text) return;
        this.waiting.delete(check);
        resolve();
      };
      this.waiting.add(check);
      check();
    });
  }

  private async read(source: AsyncIterable<ChatCompletionChunk>): Promise<void> {
    for await (const chunk of source) {
      this.chunks.push(chunk);
      for (const check of [...this.waiting]) check();
    }
  }
}

describe.each(FACES)('%s: a stream for clients of OpenAI', (face) => {
  const options = { face: 'openai-chat' } as const;
  const chat = new ControlledStream('chat', { north: {}, south: {} }, options);
  const restarting = new ControlledStream(
    'restarting',
    { north: {}, south: { start: 'after-failure' } },
    { ...options, onBreak: 'restart' },
  );
  const plain = new ControlledTask('plain', { only: {} }, options);
  let service: TestApp;
  beforeAll(async () => {
    const providers = [chat, restarting, plain].flatMap((task) => task.providers);
    service = await TestApp.start({ face, providers });
  });
  afterAll(() => service.close());

  const ask = (task: string, more: Asked = {}, headers: Record<string, string> = {}) =>
    openAi(service, task)
      .chat.completions.create({ model: 'any', messages, ...more, stream: true }, { headers })
      .withResponse();

  /** A run of which the client was shown `Good `. */
  async function begun(task: typeof chat, more: Asked = {}, headers: Record<string, string> = {}) {
    const asked = ask(task.name, more, headers);
    const north = await task.next('north');
    const south = task === chat ? await chat.next('south') : undefined;
    north.send('Good ');
    const { data, response } = await asked;
    const pieces = new Pieces(data);
    await pieces.until('Good ');
    return { north, south, pieces, data, response, runId: north.context.runId };
  }

  test('shows the chunks of the stream that wins, and ends with stop', async () => {
    const { north, south, pieces, response, runId } = await begun(chat);
    await south?.left;
    north.send('day', '.');
    north.end();
    await pieces.end;
    expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    expect(response.headers.get('location')).toBe(`${service.base}/runs/${runId}`);
    expect(north.input).toEqual({ model: 'any', messages, stream: true });
    for (const chunk of pieces.chunks)
      expect(chunk).toMatchObject({ id: `chatcmpl-${runId}`, object: 'chat.completion.chunk', model: 'any' });
    expect(pieces.chunks.map(({ choices }) => [choices[0]?.delta, choices[0]?.finish_reason])).toEqual([
      [{ role: 'assistant', content: '' }, null],
      [{ content: 'Good ' }, null],
      [{ content: 'day' }, null],
      [{ content: '.' }, null],
      [{}, 'stop'],
    ]);
  });

  test('says how many tokens there were to who asks for that', async () => {
    const asked = begun(chat, { stream_options: { include_usage: true } });
    const { north, pieces, runId } = await asked;
    north.context.tokens = 7;
    north.end();
    await pieces.end;
    expect(pieces.chunks.at(-1)).toMatchObject({
      choices: [],
      usage: { prompt_tokens: 0, completion_tokens: 7, total_tokens: 7 },
    });
    await service.event(runId, 'run.finished');
  });

  test('is one answer for who asks for no stream, with its tokens', async () => {
    const answer = openAi(service, 'chat').chat.completions.create({ model: 'any', messages });
    const north = await chat.next('north');
    await chat.next('south');
    north.context.tokens = 2;
    north.send('Good ', 'day.');
    north.end();
    expect(await answer).toMatchObject({
      choices: [{ message: { content: 'Good day.' }, finish_reason: 'stop' }],
      usage: { completion_tokens: 2 },
    });
  });

  test('is one piece where nothing streams', async () => {
    const asked = ask('plain');
    (await plain.next('only')).succeed('All at once.');
    const pieces = new Pieces((await asked).data);
    await pieces.end;
    expect(pieces.text).toBe('All at once.');
    expect(pieces.chunks.at(-1)?.choices[0]?.finish_reason).toBe('stop');
  });

  test('has the status of what went wrong before the first piece', async () => {
    const asked = refusal(ask('chat'));
    (await chat.next('north')).fail(new Error('no power'));
    (await chat.next('south')).end();
    const error = await asked;
    expect(error).toMatchObject({ status: 502, code: 'run-failed', type: 'server_error' });
    expect(error.message).toContain('no power');
  });

  test('ends with an error, which the client throws, when it breaks off behind the first piece', async () => {
    const { north, pieces } = await begun(chat);
    north.fail(new Error('no power'));
    expect(await refusal(pieces.end)).toMatchObject({ code: 'run-failed', type: 'server_error' });
    expect(pieces.text).toBe('Good ');
  });

  test('ends with an error when the run begins anew; the same request again gets the new stream alone', async () => {
    const key = { 'Idempotency-Key': `again-${face}` };
    const { north, pieces, runId } = await begun(restarting, {}, key);
    north.fail(new Error('no power'));
    const south = await restarting.next('south');
    south.send('Hello ');
    expect(await refusal(pieces.end)).toMatchObject({ code: 'stream-restarted' });
    expect(pieces.text).toBe('Good ');
    const again = await ask('restarting', {}, key);
    const rest = new Pieces(again.data);
    await rest.until('Hello ');
    south.send('there.');
    south.end();
    await rest.end;
    expect(rest.text).toBe('Hello there.');
    expect(again.response.headers.get('idempotency-replayed')).toBe('true');
    expect(rest.chunks[0]?.id).toBe(`chatcmpl-${runId}`);
  });

  test('is at its end when the run begins anew, and goes on', async () => {
    const body = JSON.stringify({ messages, stream: true });
    const headers = { 'Content-Type': 'application/json' };
    const url = `${service.url}/openai/restarting/v1/chat/completions`;
    const asked = fetch(url, { method: 'POST', headers, body });
    const north = await restarting.next('north');
    north.send('Good ');
    const response = await asked;
    north.fail(new Error('no power'));
    const south = await restarting.next('south');
    south.send('Hello ');
    expect(await response.text()).toMatch(/"code":"stream-restarted"}}\n\n$/);
    south.end();
    expect(await service.finishedRun(north.context.runId)).toMatchObject({ reply: { result: 'Hello ' } });
  });

  test('is kept when its client leaves', async () => {
    const { north, data, runId } = await begun(chat);
    data.controller.abort();
    north.send('day.');
    north.end();
    expect(await service.finishedRun(runId)).toMatchObject({ reply: { result: 'Good day.' } });
  });
});

describe('a stop', () => {
  const directory = temporaryDirectory();

  test('ends streams for clients of OpenAI with an error, begun or not', async () => {
    const chat = new ControlledStream('chat', { only: {} }, { face: 'openai-chat' });
    const env = { SHUTDOWN_GRACE: '0s', DATABASE_URL: `sqlite:${join(directory, 'a.db')}` };
    const service = await TestApp.start({ providers: chat.providers, env });
    const ask = () =>
      openAi(service, 'chat').chat.completions.create({ model: 'any', messages, stream: true });
    const begun = ask();
    (await chat.next('only')).send('A');
    const pieces = new Pieces(await begun);
    await pieces.until('A');
    const waiting = refusal(ask());
    await chat.next('only');
    await service.close();
    expect(await refusal(pieces.end)).toMatchObject({ code: 'stopping' });
    expect(await waiting).toMatchObject({ status: 503, code: 'stopping' });
  });
});
