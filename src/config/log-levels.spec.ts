import { describe, expect, test } from '@jest/globals';
import { LOG_KINDS, levelOf } from '../core/log-kinds.js';
import { parseConfig } from './config.js';

describe('LOG_LEVELS', () => {
  test('sets the levels of kinds of lines; others have LOG_LEVEL, and those of Nest no less than warn', () => {
    const config = parseConfig({ LOG_LEVEL: 'info', LOG_LEVELS: 'sub-task=warn, node = debug' });
    expect(LOG_KINDS.map((kind) => [kind, levelOf(kind, config)])).toEqual([
      ['service', 'info'],
      ['request', 'info'],
      ['run', 'info'],
      ['sub-task', 'warn'],
      ['webhook', 'info'],
      ['breaker', 'info'],
      ['journal', 'info'],
      ['node', 'debug'],
      ['statistics', 'info'],
      ['telemetry', 'info'],
      ['listener', 'info'],
      ['nest', 'warn'],
    ]);
    expect(levelOf('nest', parseConfig({ LOG_LEVEL: 'error' }))).toBe('error');
    expect(levelOf('nest', parseConfig({ LOG_LEVELS: 'nest=info' }))).toBe('info');
  });

  test.each(['sub-tasks=warn', 'run=loud', 'run', 'run=', 'run=info=warn', 'run=info,', '__proto__=info'])(
    'refuses %s with the kinds and the levels that there are',
    (LOG_LEVELS) => {
      expect(() => parseConfig({ LOG_LEVELS })).toThrow(
        /LOG_LEVELS is ".*kinds are service, request, run, sub-task, .*fatal, error, warn, info/,
      );
    },
  );
});
