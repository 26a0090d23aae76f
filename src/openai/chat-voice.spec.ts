import { describe, expect, test } from '@jest/globals';
import type { JsonValue } from '../core/json.js';
import type { Answer } from '../tasks/started-run.js';
import { ChatVoice } from './chat-voice.js';

const about = { id: 'chatcmpl-1', created: 7, model: 'any' };
const END = '[DONE]';

const voice = (options: Partial<ConstructorParameters<typeof ChatVoice>[1]> = {}): ChatVoice =>
  new ChatVoice(about, { includeUsage: false, tokensOf: async () => undefined, past: undefined, ...options });

/** What it says of a reply. */
const reply = (said: ChatVoice, result: JsonValue) => said.reply(undefined as never, { result } as Answer);

const chunks = (subTask: string, id: number, ...values: JsonValue[]) =>
  ({ event: 'chunk', id, subTask, attempt: 1, first: 0, chunks: values }) as const;

/** The choices of each frame, where it is one, and the usage of those that have it. */
function read(text: string): unknown[] {
  expect(text).toMatch(/^(?:data: [^\n]+\n\n)*$/);
  const frames = text.split('\n\n').slice(0, -1);
  return frames.map((frame) => {
    const data = frame.slice('data: '.length);
    if (data === END) return END;
    const { choices, usage, error, ...rest } = JSON.parse(data) as Record<string, JsonValue>;
    if (error) return { error };
    expect(rest).toEqual({ ...about, object: 'chat.completion.chunk' });
    const said = (choices as { delta: JsonValue; finish_reason: JsonValue }[]).map(
      ({ delta, finish_reason }) => finish_reason ?? delta,
    );
    return usage ? { said, usage } : said.length === 1 ? said[0] : said;
  });
}

const OPENING = { role: 'assistant', content: '' };

describe('a stream in OpenAI’s words', () => {
  test('begins with the role, has a delta a chunk, and ends with stop and [DONE]', async () => {
    const said = voice();
    expect(read(said.chunk(chunks('a', 1, '', 'Good', ' day')))).toEqual([
      OPENING,
      { content: 'Good' },
      { content: ' day' },
    ]);
    expect(read(said.chunk(chunks('a', 2, '.', { more: 1 })))).toEqual([
      { content: '.' },
      { content: '{"more":1}' },
    ]);
    expect(read(await reply(said, 'Good day.'))).toEqual(['stop', END]);
  });

  test('passes frames of an upstream on: deltas, the reason of their end, and once asked for the usage', async () => {
    const usage = { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 };
    const call = { tool_calls: [{ index: 0, id: 'a', function: { name: 'f', arguments: '{}' } }] };
    const frames = [
      {
        id: 'theirs',
        model: 'theirs',
        choices: [{ index: 0, delta: call, finish_reason: null }],
        usage: null,
      },
      { id: 'theirs', choices: [{ index: 0, delta: {}, finish_reason: 'tool_calls' }] },
      { id: 'theirs', choices: [], usage },
    ];
    for (const includeUsage of [false, true]) {
      const said = voice({ includeUsage });
      expect(read(said.chunk(chunks('a', 1, ...frames)))).toEqual([OPENING, call, 'tool_calls']);
      const cost = includeUsage ? [{ said: [], usage }] : [];
      expect(read(await reply(said, frames))).toEqual([...cost, END]);
    }
  });

  test('says what its sub-task has counted where no upstream does', async () => {
    const said = voice({ includeUsage: true, tokensOf: async () => 3 });
    said.chunk(chunks('a', 1, 'A'));
    const usage = { prompt_tokens: 0, completion_tokens: 3, total_tokens: 3 };
    expect(read(await reply(said, 'A'))).toEqual(['stop', { said: [], usage }, END]);
    expect(read(await reply(voice({ includeUsage: true }), 'A'))).toEqual([OPENING, expect.anything(), END]);
  });

  test('is the reply in one piece where nothing was streamed', async () => {
    const choice = {
      index: 0,
      delta: { role: 'assistant', content: 'A', refusal: null },
      finish_reason: 'stop',
    };
    const [opening, whole, ...rest] = (await reply(voice(), 'A')).split('\n\n');
    expect(
      [opening, whole].map((frame) => (JSON.parse(frame!.slice(6)) as { choices: unknown }).choices),
    ).toMatchObject([[{ delta: OPENING }], [choice]]);
    expect(rest).toEqual([`data: ${END}`, '']);
  });

  test('ends with an error, and without [DONE], when the run begins anew behind what was shown', () => {
    const said = voice();
    expect([said.restart(), said.isOver]).toEqual(['', false]);
    said.chunk(chunks('a', 1, 'A'));
    expect(read(said.restart())).toMatchObject([{ error: { code: 'stream-restarted' } }]);
    expect(said.isOver).toBe(true);
  });

  test('leaves out what was shown to others in vain', () => {
    const past = { lead: { subTask: 'b', attempt: 1, broken: false }, lastEventId: 5 };
    const said = voice({ past });
    expect(said.chunk(chunks('a', 1, 'void'))).toBe('');
    expect([said.restart(), said.isOver]).toEqual(['', false]);
    expect(read(said.chunk(chunks('b', 5, 'B')))).toEqual([OPENING, { content: 'B' }]);
    const later = voice({ past: { ...past, lead: { ...past.lead, broken: true } } });
    expect(later.chunk(chunks('b', 5, 'void'))).toBe('');
    expect([later.restart(), later.isOver]).toEqual(['', false]);
    expect(read(later.chunk(chunks('a', 6, 'A')))).toEqual([OPENING, { content: 'A' }]);
  });
});
