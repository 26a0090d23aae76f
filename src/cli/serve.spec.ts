import { describe, expect, test } from '@jest/globals';
import { readFlags } from './serve.js';

describe('frontrunner serve', () => {
  const variables = (...args: readonly string[]) => readFlags(args).variables;

  test('takes flags for variables', () => {
    expect(
      variables('a.yaml', '--port', '4000', '--host=::1', '--database', 'memory:', '--keys', 'k.json', 'b/'),
    ).toEqual({
      TASKS_FILE: 'a.yaml,b/',
      PORT: '4000',
      HOST: '::1',
      DATABASE_URL: 'memory:',
      API_KEYS_FILE: 'k.json',
    });
    expect(variables()).toEqual({});
    expect(variables('-p', '0')).toEqual({ PORT: '0' });
  });

  test('has the demo as the last flag for it says', () => {
    expect(variables('--demo')).toEqual({ DEMO: 'on' });
    expect(variables('--demo', '--no-demo')).toEqual({ DEMO: 'off' });
  });

  test.each([
    [['--port', ''], /PORT takes a value; frontrunner serve --help/],
    [['--port', 'abc'], /^PORT takes a whole number from 0 to 65535/],
    [['--database', 'nonsense'], /^DATABASE_URL takes /],
    [['a,b.yaml'], /^a,b\.yaml has a comma/],
    [['--prot', '1'], /--prot/],
  ])('refuses %j', (args, refusal) => {
    expect(() => readFlags(args)).toThrow(refusal);
  });
});
