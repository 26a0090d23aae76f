import { describe, expect, test } from '@jest/globals';
import { Logger } from '@nestjs/common';
import pino from 'pino';
import { levelOf, type LogLevel, type LogLevels } from '../core/log-kinds.js';
import { PinoLog } from './pino-log.js';

describe('lines of pino', () => {
  const lines: string[] = [];
  const stream = { write: (line: string) => lines.push(line) };
  const open = (level: LogLevel, levels: LogLevels = {}): PinoLog =>
    new PinoLog(pino({ base: { pid: 7 }, level }, stream), stream, (kind) =>
      levelOf(kind, { LOG_LEVEL: level, LOG_LEVELS: levels }),
    );
  const written = (): unknown[] =>
    lines.splice(0).map((line) => {
      const { time, pid, ...rest } = JSON.parse(line) as Record<string, unknown>;
      expect({ time, pid }).toEqual({ time: expect.any(Number), pid: 7 });
      return rest;
    });

  test('say what a logger of Nest is given', () => {
    Logger.overrideLogger(open('debug'));
    try {
      for (const context of ['run', 'OfSomebody']) {
        const logger = new Logger(context);
        logger.log({ msg: 'first "done"', runId: 'r1', attempt: 1 });
        logger.warn('slow');
        logger.error({ msg: 'failed', stack: 'at x' });
        logger.debug('a detail');
        logger.verbose('left out');
        expect(written()).toEqual([
          { level: 30, context, msg: 'first "done"', runId: 'r1', attempt: 1 },
          { level: 40, context, msg: 'slow' },
          { level: 50, context, msg: 'failed', stack: 'at x' },
          { level: 20, context, msg: 'a detail' },
        ]);
      }
    } finally {
      Logger.overrideLogger(false);
    }
  });

  test('say of an error what it is, also where Nest has made a text of it', () => {
    const log = open('info');
    const err = expect.objectContaining({ type: 'TypeError', message: 'broken' });
    log.error(new TypeError('broken'), undefined, 'request');
    log.error({ msg: 'failed', err: new TypeError('broken') }, 'listener');
    log.error('broken', 'TypeError: broken\n    at x', 'ExceptionsHandler');
    log.fatal('over');
    expect(written()).toEqual([
      { level: 50, context: 'request', msg: 'broken', err },
      { level: 50, context: 'listener', msg: 'failed', err },
      { level: 50, context: 'ExceptionsHandler', msg: 'broken', stack: 'TypeError: broken\n    at x' },
      { level: 60, msg: 'over' },
    ]);
  });

  test.each([[{ big: 1n }], [['a list']], [{ toJSON: () => 'a text' }], [{}]])(
    'are JSON whatever their fields are: %p',
    (fields) => {
      open('info').log(fields, 'sub-task');
      expect(written()).toEqual([expect.objectContaining({ level: 30, context: 'sub-task' })]);
    },
  );

  test('have a level for each kind', () => {
    const log = open('info', { 'sub-task': 'warn', journal: 'debug', node: 'silent' });
    for (const kind of ['run', 'sub-task', 'journal', 'node']) {
      log.debug('debug', kind);
      log.log('info', kind);
      log.warn('warn', kind);
    }
    const told = written() as { readonly context: string; readonly msg: string }[];
    expect(told.map(({ context, msg }) => `${context} ${msg}`)).toEqual([
      'run info',
      'run warn',
      'sub-task warn',
      'journal debug',
      'journal info',
      'journal warn',
    ]);
  });

  test('are without those of Nest that only tell of its own start, unless they are asked for', () => {
    const quiet = open('info');
    quiet.log('Mapped {/health/live, GET} route', 'RouterExplorer');
    quiet.error('A provider is missing', 'at x', 'ExceptionHandler');
    quiet.warn('An old route', 'LegacyRouteConverter');
    open('info', { nest: 'info' }).log('Mapped {/health/live, GET} route', 'RouterExplorer');
    open('error').warn('An old route', 'LegacyRouteConverter');
    expect(written()).toEqual([
      { level: 40, context: 'LegacyRouteConverter', msg: 'An old route' },
      { level: 30, context: 'RouterExplorer', msg: 'Mapped {/health/live, GET} route' },
    ]);
  });
});
