import { describe, expect, test } from '@jest/globals';
import { assembled, isFrame, type Frame } from './chat-frames.js';

const frame = (delta: object, rest: object = {}): Frame =>
  ({ choices: [{ index: 0, delta, finish_reason: null, ...rest }], usage: null }) as unknown as Frame;

describe('the frames of a stream', () => {
  test('are those that have choices', () => {
    expect([{ choices: [] }, { choices: [{}] }].every(isFrame)).toBe(true);
    expect([{ choices: 'A' }, { choices: ['A'] }, ['choices'], 'choices', null].some(isFrame)).toBe(false);
  });

  test('make one answer: texts go on, what is said once stays, the last usage counts', () => {
    const usage = { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 };
    const frames = [
      frame({ role: 'assistant', content: '' }),
      frame({ role: 'assistant', content: 'Good ' }),
      frame({ content: 'day', refusal: null }),
      frame({}, { finish_reason: 'length' }),
      { choices: [], usage },
    ];
    expect(assembled(frames)).toEqual({
      choices: [{ index: 0, message: { role: 'assistant', content: 'Good day' }, finish_reason: 'length' }],
      usage,
    });
  });

  test('keep what came before where an upstream ends with no delta', () => {
    const last = { choices: [{ index: 0, delta: null, finish_reason: 'stop' }] };
    const [choice] = assembled([frame({ content: 'Good day' }), last]).choices;
    expect(choice).toEqual({
      index: 0,
      message: { role: 'assistant', content: 'Good day' },
      finish_reason: 'stop',
    });
  });

  test('make calls of tools, by the index of each', () => {
    const call = (index: number, rest: object) => frame({ tool_calls: [{ index, ...rest }] });
    const frames = [
      call(0, { id: 'a', type: 'function', function: { name: 'weather', arguments: '' } }),
      call(0, { id: 'a', function: { arguments: '{"city":' } }),
      call(1, { id: 'b', type: 'function', function: { name: 'time', arguments: '{}' } }),
      call(0, { function: { arguments: '"Oslo"}' } }),
    ];
    const [choice] = assembled(frames).choices;
    expect(choice?.message).toEqual({
      role: 'assistant',
      content: null,
      tool_calls: [
        { index: 0, id: 'a', type: 'function', function: { name: 'weather', arguments: '{"city":"Oslo"}' } },
        { index: 1, id: 'b', type: 'function', function: { name: 'time', arguments: '{}' } },
      ],
    });
  });

  test('cost no more than they are, whatever their upstream says', () => {
    const far = { tool_calls: [{ index: 4e9, id: 'a' }] };
    const [choice] = assembled([frame(far, { index: 4e9 })]).choices;
    expect(choice).toEqual({ index: 4e9, message: { role: 'assistant', content: null, ...far } });
  });
});
