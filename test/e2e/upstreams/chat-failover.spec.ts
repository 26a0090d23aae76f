import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ExampleUpstreams } from '../../support/example-upstreams.js';
import { openAi, refusal } from '../../support/openai-client.js';
import { temporaryDirectory } from '../../support/temporary-directory.js';
import { TestApp } from '../../support/test-app.js';
import { ROOT } from '../../support/type-check.js';

const FOLDER = 'examples/chat-failover';

/** What each provider says to a question. */
const said = (model: string, question: string): string => `${model} says: You asked "${question}".`;

describe('examples/chat-failover', () => {
  const upstreams = new ExampleUpstreams(`${FOLDER}/providers.mjs`, [4031, 4032, 4033]);
  const directory = temporaryDirectory();
  let service: TestApp;
  beforeAll(async () => {
    await upstreams.start();
    const path = join(mkdtempSync(join(directory, 'tasks-')), 'tasks.yaml');
    // A busy machine may take longer for a first piece than a quiet one.
    const yaml = readFileSync(join(ROOT, FOLDER, 'tasks.yaml'), 'utf8').replace(
      'coldStart: 1s',
      'coldStart: 20s',
    );
    writeFileSync(path, upstreams.adapt(yaml));
    service = await TestApp.start({ env: { TASKS_FILE: path, NORTH_KEY: 'sesame', SOUTH_KEY: 'sesame' } });
  });
  afterAll(async () => {
    await service.close();
    await upstreams.stop();
  });

  const ask = (question: string) =>
    openAi(service, 'chat').chat.completions.create({
      model: 'any',
      messages: [{ role: 'user', content: question }],
    });

  async function streamed(question: string): Promise<string> {
    const stream = await openAi(service, 'chat').chat.completions.create({
      model: 'any',
      messages: [{ role: 'user', content: question }],
      stream: true,
    });
    let text = '';
    for await (const { choices } of stream) text += choices[0]?.delta.content ?? '';
    return text;
  }

  test('answers with the first provider, whole or in pieces', async () => {
    const whole = await ask('Hello?');
    expect(whole.choices[0]?.message.content).toBe(said('large', 'Hello?'));
    expect(whole.usage).toMatchObject({ completion_tokens: 5 });
    expect(await streamed('Hello?')).toBe(said('large', 'Hello?'));
  });

  test.each(['busy', 'down', 'empty', 'error'])(
    'goes on to the next where the first is %s, unseen',
    async (fault) => {
      const question = `Hello? [${fault}]`;
      expect(await streamed(question)).toBe(said('big', question));
    },
  );

  test('begins anew where the first breaks off midway', async () => {
    const question = 'Hello? [break]';
    expect(await refusal(streamed(question))).toMatchObject({ code: 'stream-restarted' });
    expect((await ask(question)).choices[0]?.message.content).toBe(said('big', question));
    await upstreams.said('north: breaks off');
  });

  test('is asked by ask.mjs', async () => {
    const url = `${service.url}/openai/chat/v1`;
    const { stdout } = await promisify(execFile)(process.execPath, [
      join(ROOT, FOLDER, 'ask.mjs'),
      'Hello?',
      url,
    ]);
    expect(stdout).toBe(`${said('large', 'Hello?')}\n(5 tokens)\n`);
  });
});
