import { describe, expect, test } from '@jest/globals';
import { Logger } from '@nestjs/common';
import pino from 'pino';
import { PinoLog } from './pino-log.js';

describe('lines of pino', () => {
  const lines: string[] = [];
  const stream = { write: (line: string) => lines.push(line) };
  const log = new PinoLog(pino({ base: null, timestamp: false, level: 'debug' }, stream));
  const written = (): unknown[] => lines.splice(0).map((line) => JSON.parse(line) as unknown);

  test('say what a logger of Nest is given', () => {
    Logger.overrideLogger(log);
    try {
      const logger = new Logger('Runs');
      logger.log({ msg: 'first done', runId: 'r1', attempt: 1 });
      logger.warn('slow');
      logger.error({ msg: 'failed', stack: 'at x' });
      logger.debug('a detail');
      logger.verbose('left out');
    } finally {
      Logger.overrideLogger(false);
    }
    expect(written()).toEqual([
      { level: 30, context: 'Runs', msg: 'first done', runId: 'r1', attempt: 1 },
      { level: 40, context: 'Runs', msg: 'slow' },
      { level: 50, context: 'Runs', msg: 'failed', stack: 'at x' },
      { level: 20, context: 'Runs', msg: 'a detail' },
    ]);
  });

  test('say of an error what it is, also where Nest has made a text of it', () => {
    log.error(new TypeError('broken'), undefined, 'Http');
    log.error('broken', 'TypeError: broken\n    at x', 'ExceptionHandler');
    log.fatal('over');
    expect(written()).toEqual([
      expect.objectContaining({
        level: 50,
        context: 'Http',
        msg: 'broken',
        err: expect.objectContaining({ type: 'TypeError', message: 'broken' }),
      }),
      { level: 50, context: 'ExceptionHandler', msg: 'broken', stack: 'TypeError: broken\n    at x' },
      { level: 60, msg: 'over' },
    ]);
  });
});
