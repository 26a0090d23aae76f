import { describe, expect, test } from '@jest/globals';
import { CapturedLog } from '../test/support/captured-log.js';
import type { KeyRing } from './access/key-ring.js';
import { parseConfig } from './config/config.js';
import { announce, welcome } from './welcome.js';

const URL = 'http://127.0.0.1:3000';

describe('what is said before there is anything to wait for', () => {
  const said = (env: Record<string, string>) => {
    const log = new CapturedLog();
    announce(log, '1.2.3', parseConfig(env));
    return log.lines;
  };

  test.each([
    ['sqlite:./data/frontrunner.db', {}],
    ['memory:', { DATABASE_URL: 'memory:' }],
    [
      'postgres://me@db.example/runs',
      { DATABASE_URL: 'postgres://me:s3cret@db.example/runs?sslpassword=s3cret' },
    ],
  ])('is the version, the database without its password, and the role: %s', (database, env) => {
    const node = process.version;
    expect(said(env)).toEqual([
      {
        level: 'log',
        msg: `Frontrunner 1.2.3 starts: database ${database}, role all, Node ${node}`,
        version: '1.2.3',
        database,
        role: 'all',
        node,
      },
    ]);
  });

  test('is which variables look as if they were meant for the service', () => {
    expect(said({ RUN_RETENTON: '1d' })).toContainEqual({
      level: 'warn',
      msg: 'The variable RUN_RETENTON is not read; did you mean RUN_RETENTION?',
    });
  });
});

describe('what is said at the start', () => {
  const said = (env: Record<string, string>, access = {}, tasks?: string) => {
    const log = new CapturedLog();
    const started = { url: URL, config: parseConfig(env), tasks };
    welcome(log, { ...started, access: { keys: undefined, warnings: [], ...access } });
    return log.lines;
  };
  const LOOK = `page: ${URL}/ui/ - docs: ${URL}/docs`;
  const WHERE = `Listening on ${URL} - ${LOOK} - metrics: ${URL}/metrics - try: curl -i ${URL}/run-tasks`;

  test('is where to look and what to try, and no more where all is as it should be', () => {
    expect(said({})).toEqual([{ level: 'log', msg: WHERE }]);
  });

  test('leaves out metrics that have a port of their own', () => {
    expect(said({ METRICS_PORT: '9464' })[0]!.msg).toContain(`${LOOK} - try:`);
  });

  test('is to look at the tasks where there is no demo', () => {
    expect(said({ DEMO: 'off' })[0]!.msg).toMatch(/ - try: curl -i http:\/\/127\.0\.0\.1:3000\/tasks$/);
  });

  test('is that nothing is durable with memory:', () => {
    expect(said({ DATABASE_URL: 'memory:' })).toEqual([
      { level: 'warn', msg: expect.stringMatching(/^DATABASE_URL is memory: .*lost/) },
      { level: 'log', msg: WHERE },
    ]);
  });

  test('is what came from the tasks file, and what to know of who may call', () => {
    expect(said({}, { warnings: ['Anybody may'] }, '2 tasks from a file')).toEqual([
      { level: 'log', msg: '2 tasks from a file' },
      { level: 'warn', msg: 'Anybody may' },
      { level: 'log', msg: WHERE },
    ]);
  });

  test('is how to send a key where callers need one', () => {
    expect(said({}, { keys: {} as KeyRing })).toEqual([
      { level: 'log', msg: `${WHERE} -H 'Authorization: Bearer <key>'` },
    ]);
  });
});
