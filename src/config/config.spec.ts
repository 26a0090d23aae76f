import { readFileSync } from 'node:fs';
import { inspect } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import { ConfigError, parseConfig } from './config.js';
import { variables } from './variables.js';
import { usage } from './usage.js';

/** 32 bytes in base64. */
const KEY = Buffer.alloc(32, 'sesame').toString('base64');

describe('parseConfig', () => {
  test('reads proxies by their names in small letters too, which count first, and tells no password', () => {
    const names = { HTTP_PROXY: 'http://a', http_proxy: 'b:1', https_proxy: '', HTTPS_PROXY: 'http://c' };
    expect(parseConfig({ ...names, no_proxy: 'a.example, 10.0.0.0/8' })).toMatchObject({
      HTTP_PROXY: 'http://b:1/',
      HTTPS_PROXY: 'http://c/',
      NO_PROXY: ['a.example', '10.0.0.0/8'],
    });
    for (const wrong of ['me:sesame@proxy/path', 'socks5://me:sesame@proxy']) {
      expect(() => parseConfig({ HTTP_PROXY: wrong })).toThrow(
        /^The configuration is wrong:\n {2}HTTP_PROXY is/,
      );
      expect(() => parseConfig({ HTTP_PROXY: wrong })).not.toThrow(/sesame/);
    }
  });

  test('has a default for everything, durations in milliseconds and sizes in bytes', () => {
    expect(parseConfig({})).toEqual({
      environment: {},
      HOST: '127.0.0.1',
      PORT: 3000,
      PUBLIC_URL: null,
      TRUSTED_PROXIES: [],
      METRICS_PORT: null,
      METRICS_HOST: '127.0.0.1',
      TASKS_FILE: [],
      HTTP_PROXY: null,
      HTTPS_PROXY: null,
      NO_PROXY: [],
      API_KEYS_FILE: null,
      ALLOW_ANONYMOUS: false,
      ALLOWED_HOSTS: [],
      RATE_LIMIT: 'auto',
      DATABASE_URL: { kind: 'sqlite', path: './data/frontrunner.db' },
      DATABASE_SCHEMA: 'frontrunner',
      ROLE: 'all',
      NODE_TIMEOUT: 10_000,
      UNKNOWN_TASK_GRACE: 86_400_000,
      JOURNAL_DURABILITY: 'power',
      RUN_RETENTION: 30 * 24 * 3_600_000,
      IDEMPOTENCY_RETENTION: 24 * 3_600_000,
      SECRETS_KEY: [],
      WEBHOOK_SECRET: [],
      WEBHOOK_ORIGINS: { isPublic: true, origins: [] },
      MAX_WAIT: 60_000,
      LOG_LEVEL: 'info',
      LOG_LEVELS: {},
      SHUTDOWN_GRACE: 30_000,
      MAX_CONCURRENT_SUB_TASKS: 20_000,
      MAX_QUEUED_RUNS: 10_000,
      MAX_INPUT_BYTES: 100 * 1024,
      MAX_RESULT_BYTES: 1024 * 1024,
      MEMORY_BUDGET: null,
      MAX_CONNECTIONS: 10_000,
      KEEP_ALIVE_TIMEOUT: 75_000,
      CORS_ORIGINS: [],
      DEMO: true,
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
    ['PUBLIC_URL', 'api.example.com'],
    ['PUBLIC_URL', 'ftp://api.example.com'],
    ['PUBLIC_URL', 'https://api.example.com/?a=1'],
    ['PUBLIC_URL', 'https://api.example.com/#a'],
    ['PUBLIC_URL', 'https://ada@api.example.com'],
    ['PUBLIC_URL', 'https://'],
    ['TRUSTED_PROXIES', 'proxy.internal'],
    ['TRUSTED_PROXIES', '10.0.0.0/33'],
    ['TRUSTED_PROXIES', '0.0.0.0/0'],
    ['TRUSTED_PROXIES', '10.1'],
    ['TRUSTED_PROXIES', 'loopback,'],
    ['ALLOW_ANONYMOUS', 'yes'],
    ['RATE_LIMIT', '1000'],
    ['RATE_LIMIT', '0/1m'],
    ['RATE_LIMIT', '1000/m'],
    ['RATE_LIMIT', '1000/0s'],
    ['RATE_LIMIT', '1000/1500ms'],
    ['RATE_LIMIT', '1000/1m/2'],
    ['DATABASE_URL', 'mysql://x'],
    ['DATABASE_URL', 'mysql://localhost/x'],
    ['DATABASE_URL', 'postgres://localhost'],
    ['DATABASE_URL', 'postgres:///runs'],
    ['DATABASE_URL', 'postgres://ada@/runs'],
    ['DATABASE_URL', 'sqlite:'],
    ['DATABASE_URL', 'sqlite::memory:'],
    ['DATABASE_URL', 'sqlite:./data/'],
    ['DATABASE_URL', 'sqlite:./data.db?mode=ro'],
    ['DATABASE_SCHEMA', 'Runs'],
    ['DATABASE_SCHEMA', 'runs; DROP'],
    ['DATABASE_SCHEMA', '2runs'],
    ['DATABASE_SCHEMA', 'public'],
    ['DATABASE_SCHEMA', 'pg_runs'],
    ['DATABASE_SCHEMA', 'runs_queue'],
    ['DATABASE_SCHEMA', 'r'.repeat(41)],
    ['ROLE', 'leader'],
    ['NODE_TIMEOUT', '499ms'],
    ['NODE_TIMEOUT', '10'],
    ['JOURNAL_DURABILITY', 'none'],
    ['RUN_RETENTION', '30'],
    ['RUN_RETENTION', '0d'],
    ['RUN_RETENTION', '101y'],
    ['IDEMPOTENCY_RETENTION', '0'],
    ['IDEMPOTENCY_RETENTION', 'day'],
    ['MAX_WAIT', '60'],
    ['LOG_LEVEL', 'loud'],
    ['SHUTDOWN_GRACE', '30'],
    ['SHUTDOWN_GRACE', 'soon'],
    ['MAX_CONCURRENT_SUB_TASKS', '0'],
    ['MAX_QUEUED_RUNS', '1.5'],
    ['MAX_INPUT_BYTES', '0'],
    ['MAX_INPUT_BYTES', '1gb'],
    ['MAX_RESULT_BYTES', '1tb'],
    ['MAX_CONNECTIONS', '0'],
    ['KEEP_ALIVE_TIMEOUT', '999ms'],
    ['CORS_ORIGINS', 'shop.example'],
    ['CORS_ORIGINS', 'https://shop.example/'],
    ['CORS_ORIGINS', 'https://SHOP.example'],
    ['CORS_ORIGINS', 'https://shop.example:443'],
    ['CORS_ORIGINS', 'https://a.example,'],
    ['CORS_ORIGINS', 'https://a.example https://b.example'],
    ['CORS_ORIGINS', '*,https://a.example'],
    ['CORS_ORIGINS', 'null'],
    ['CORS_ORIGINS', 'file:///etc'],
    ['ALLOWED_HOSTS', 'runs.internal:3000'],
    ['ALLOWED_HOSTS', 'http://runs.internal'],
    ['ALLOWED_HOSTS', '*'],
    ['ALLOWED_HOSTS', 'a.example,'],
    ['WEBHOOK_ORIGINS', 'hooks.example.com'],
    ['WEBHOOK_ORIGINS', 'https://hooks.example.com/path'],
    ['WEBHOOK_ORIGINS', '*'],
    ['WEBHOOK_ORIGINS', 'off'],
    ['WEBHOOK_ORIGINS', 'public,'],
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
    [
      'postgres://ada:secret@db.example:5433/runs?sslmode=require',
      { kind: 'postgres', url: 'postgres://ada:secret@db.example:5433/runs?sslmode=require' },
    ],
    ['postgresql:///runs?host=/run/pg', { kind: 'postgres', url: 'postgresql:///runs?host=/run/pg' }],
    ['postgres://ada@/runs?host=/run/pg', { kind: 'postgres', url: 'postgres://ada@/runs?host=/run/pg' }],
    ['postgres://a:1,b:2/runs', { kind: 'postgres', url: 'postgres://a:1,b:2/runs' }],
    ['sqlite:runs.db', { kind: 'sqlite', path: 'runs.db' }],
    ['sqlite:/var/lib/runs.db', { kind: 'sqlite', path: '/var/lib/runs.db' }],
    ['sqlite:///var/lib/runs.db', { kind: 'sqlite', path: '///var/lib/runs.db' }],
  ])('takes %s as a database', (url, database) => {
    expect(parseConfig({ DATABASE_URL: url }).DATABASE_URL).toEqual(database);
  });

  test('says nothing of a password', () => {
    expect(() => parseConfig({ DATABASE_URL: 'postgres://ada:sec:ret@db.example' })).toThrow(
      /DATABASE_URL is "postgres:\/\/ada:…@db\.example"/,
    );
  });

  test.each([
    ['SECRETS_KEY', 'c2VzYW1l'],
    ['SECRETS_KEY', `${'sesame'.repeat(7)}s`],
    ['SECRETS_KEY', `${KEY},sesame`],
    ['WEBHOOK_SECRET', 'sesame'],
    ['WEBHOOK_SECRET', `whsec_${'sesame'.repeat(5)}`],
    ['WEBHOOK_SECRET', `whsec_${'sesame'.repeat(5)}s==`],
    ['WEBHOOK_SECRET', `whsec_${'sesame'.repeat(15)}`],
  ] as const)('refuses a wrong %s without a word of what it is', (name, value) => {
    const refused = `${name} is not what it takes; it takes ${variables[name].takes} (default none)`;
    expect(() => parseConfig({ [name]: value })).toThrow(new ConfigError([refused]));
  });

  test('takes several keys, several secrets, and origins beside the public ones', () => {
    const secrets = [`whsec_${KEY}`, `whsec_${KEY.slice(0, -1)}`];
    const env = { SECRETS_KEY: `${KEY}, ${KEY}`, WEBHOOK_SECRET: secrets.join(', ') };
    const config = parseConfig({ ...env, WEBHOOK_ORIGINS: 'public, http://127.0.0.1:4000' });
    expect(config.SECRETS_KEY).toEqual([Buffer.from(KEY, 'base64'), Buffer.from(KEY, 'base64')]);
    expect(config.WEBHOOK_SECRET).toEqual(secrets);
    expect(config.WEBHOOK_ORIGINS).toEqual({ isPublic: true, origins: ['http://127.0.0.1:4000'] });
    expect(parseConfig({ WEBHOOK_ORIGINS: 'https://a.example' }).WEBHOOK_ORIGINS.isPublic).toBe(false);
  });

  test('is in no print of what has it', () => {
    const config = parseConfig({ SECRETS_KEY: KEY, DATABASE_URL: 'postgres://ada:sesame@h/runs' });
    expect(inspect({ config }, { depth: null })).toBe('{ config: [Config] }');
  });

  test('knows of no other nodes where the database is not one that they share', () => {
    expect(() => parseConfig({ ROLE: 'worker' })).toThrow(/ROLE is worker, but there are no other nodes/);
    expect(parseConfig({ ROLE: 'worker', DATABASE_URL: 'postgres://h/runs' }).ROLE).toBe('worker');
  });

  test.each([
    ['off', []],
    ['*', '*'],
    ['https://shop.example', ['https://shop.example']],
    ['https://shop.example, http://127.0.0.1:8080', ['https://shop.example', 'http://127.0.0.1:8080']],
  ])('takes %s as origins', (text, origins) => {
    expect(parseConfig({ CORS_ORIGINS: text }).CORS_ORIGINS).toEqual(origins);
  });

  test.each([
    ['none', []],
    ['Runs.internal, 192.0.2.1,[2001:db8::1]', ['runs.internal', '192.0.2.1', '[2001:db8::1]']],
  ])('takes %s as host names', (text, hosts) => {
    expect(parseConfig({ ALLOWED_HOSTS: text }).ALLOWED_HOSTS).toEqual(hosts);
  });

  test.each([
    ['none', null],
    ['https://API.example.com', 'https://api.example.com'],
    ['https://api.example.com:8443/a/frontrunner/', 'https://api.example.com:8443/a/frontrunner'],
  ])('takes %s as a public URL', (text, url) => {
    expect(parseConfig({ PUBLIC_URL: text }).PUBLIC_URL).toBe(url);
  });

  test('takes addresses, networks and names of networks as proxies', () => {
    const proxies = ['loopback', '10.0.0.0/8', '192.0.2.1', '2001:db8::/32', 'fe80::1'];
    expect(parseConfig({ TRUSTED_PROXIES: proxies.join(', ') }).TRUSTED_PROXIES).toEqual(proxies);
  });

  test.each([
    ['0', 0],
    ['12h', 12 * 3_600_000],
    ['1y', 365.25 * 24 * 3_600_000],
  ])('takes a retention of %s', (text, value) => {
    expect(parseConfig({ RUN_RETENTION: text, IDEMPOTENCY_RETENTION: '1h' }).RUN_RETENTION).toBe(value);
  });

  test('refuses keys that would outlive their runs, unless runs are kept for ever', () => {
    expect(() => parseConfig({ RUN_RETENTION: '12h' })).toThrow(
      /IDEMPOTENCY_RETENTION \(1d\) is longer than RUN_RETENTION \(12h\)/,
    );
    expect(parseConfig({ RUN_RETENTION: '0' }).IDEMPOTENCY_RETENTION).toBe(24 * 3_600_000);
  });

  test.each([
    ['1000/1m', { requests: 1000, windowMs: 60_000 }],
    ['1/24h', { requests: 1, windowMs: 24 * 3_600_000 }],
    ['off', 'off'],
  ])('takes a rate limit of %s', (text, rate) => {
    expect(parseConfig({ RATE_LIMIT: text }).RATE_LIMIT).toEqual(rate);
  });

  test('takes a file of API keys, and that they are allowed to be missing', () => {
    expect(parseConfig({ API_KEYS_FILE: './keys.json', ALLOW_ANONYMOUS: 'true' })).toMatchObject({
      API_KEYS_FILE: './keys.json',
      ALLOW_ANONYMOUS: true,
    });
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

  test('the guide lists each with its default', () => {
    const guide = readFileSync('docs/guide/configuration.md', 'utf8').replaceAll(/ +/g, ' ');
    for (const [name, { fallback }] of Object.entries(variables)) {
      expect(guide).toContain(`| \`${name}\` | \`${fallback}\` |`);
    }
  });

  test('--help lists each', () => {
    for (const name of Object.keys(variables)) expect(usage()).toContain(`  ${name}\n`);
  });
});
