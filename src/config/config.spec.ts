import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { ConfigError, parseConfig, variables } from './config.js';
import { usage } from './usage.js';

describe('parseConfig', () => {
  test('has a default for everything, durations in milliseconds and sizes in bytes', () => {
    expect(parseConfig({})).toEqual({
      HOST: '127.0.0.1',
      PORT: 3000,
      DATABASE_URL: { kind: 'sqlite', path: './data/frontrunner.db' },
      JOURNAL_DURABILITY: 'power',
      RUN_RETENTION: 30 * 24 * 3_600_000,
      LOG_LEVEL: 'info',
      SHUTDOWN_GRACE: 30_000,
      MAX_CONCURRENT_SUB_TASKS: 20_000,
      MAX_QUEUED_RUNS: 10_000,
      MAX_INPUT_BYTES: 100 * 1024,
      MAX_RESULT_BYTES: 1024 * 1024,
      DEMO_TIME_SCALE: 1,
    });
  });

  test('counts an empty variable as unset', () => {
    expect(parseConfig({ PORT: '' }).PORT).toBe(3000);
  });

  test.each([
    ['PORT', 'abc'],
    ['PORT', '65536'],
    ['PORT', '-1'],
    ['DATABASE_URL', 'mysql://x'],
    ['DATABASE_URL', 'sqlite:'],
    ['DATABASE_URL', 'sqlite::memory:'],
    ['DATABASE_URL', 'sqlite:./data/'],
    ['DATABASE_URL', 'sqlite:./data.db?mode=ro'],
    ['JOURNAL_DURABILITY', 'none'],
    ['RUN_RETENTION', '30'],
    ['RUN_RETENTION', '0d'],
    ['RUN_RETENTION', '101y'],
    ['LOG_LEVEL', 'loud'],
    ['SHUTDOWN_GRACE', '30'],
    ['MAX_CONCURRENT_SUB_TASKS', '0'],
    ['MAX_QUEUED_RUNS', '1.5'],
    ['MAX_INPUT_BYTES', '0'],
    ['MAX_RESULT_BYTES', '1tb'],
    ['DEMO_TIME_SCALE', '-1'],
  ] as const)('refuses %s=%s with the variable, what it got and what it takes', (name, value) => {
    expect(() => parseConfig({ [name]: value })).toThrow(
      new ConfigError([
        `${name} is "${value}"; it takes ${variables[name].takes} (default ${variables[name].fallback})`,
      ]),
    );
  });

  test.each([
    ['memory:', { kind: 'memory' }],
    ['sqlite:runs.db', { kind: 'sqlite', path: 'runs.db' }],
    ['sqlite:/var/lib/runs.db', { kind: 'sqlite', path: '/var/lib/runs.db' }],
    ['sqlite:///var/lib/runs.db', { kind: 'sqlite', path: '///var/lib/runs.db' }],
  ])('takes %s as a database', (url, database) => {
    expect(parseConfig({ DATABASE_URL: url }).DATABASE_URL).toEqual(database);
  });

  test.each([
    ['0', 0],
    ['12h', 12 * 3_600_000],
    ['1y', 365.25 * 24 * 3_600_000],
  ])('takes a retention of %s', (text, value) => {
    expect(parseConfig({ RUN_RETENTION: text }).RUN_RETENTION).toBe(value);
  });

  test('names every wrong variable at once', () => {
    expect(() => parseConfig({ PORT: 'x', LOG_LEVEL: 'y' })).toThrow(/PORT is "x"[^]*LOG_LEVEL is "y"/);
  });
});

describe('what is said of the variables', () => {
  test('.env.example lists each with its default', () => {
    const lines = readFileSync('.env.example', 'utf8')
      .split('\n')
      .filter((line) => /^# ?[A-Z_]+=/.test(line));
    expect(lines.map((line) => line.replace(/^# ?/, ''))).toEqual(
      Object.entries(variables).map(([name, { fallback }]) => `${name}=${fallback}`),
    );
  });

  test('the README lists each with its default', () => {
    const readme = readFileSync('README.md', 'utf8').replaceAll(/ +/g, ' ');
    for (const [name, { fallback }] of Object.entries(variables)) {
      expect(readme).toContain(`| \`${name}\` | \`${fallback}\` |`);
    }
  });

  test('--help lists each', () => {
    for (const name of Object.keys(variables)) expect(usage()).toContain(`  ${name}\n`);
  });
});
