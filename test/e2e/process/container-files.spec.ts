import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { parseConfig } from '../../../src/config/config.js';
import { variables } from '../../../src/config/variables.js';
import { ROOT } from '../../support/type-check.js';

interface Service {
  readonly environment: Readonly<Record<string, string>>;
  readonly secrets?: readonly string[];
  readonly ports?: readonly string[];
  readonly stop_grace_period?: string;
}

const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');

describe('the Dockerfile', () => {
  /** Its instructions, with lines that go on joined. */
  const instructions = read('Dockerfile')
    .replace(/^\s*#.*\n/gm, '')
    .replaceAll('\\\n', '')
    .split('\n')
    .filter((line) => line !== '');
  const all = (name: string) =>
    instructions.filter((line) => line.startsWith(`${name} `)).map((line) => line.slice(name.length + 1));
  const environment = all('ENV').flatMap((line) => line.split(' ').map((pair) => pair.split('=')));
  const manifest = JSON.parse(read('package.json')) as {
    scripts: Record<string, string>;
  };
  const runtime = JSON.parse(read('packages/runtime/package.json')) as {
    optionalDependencies: Record<string, string>;
  };

  test('brings the Node major that the project is locked to', () => {
    const [version] = Object.values(runtime.optionalDependencies);
    const images = all('FROM').map((line) => line.split(' ')[0]);
    expect(new Set(images)).toEqual(new Set([`node:${version!.split('.')[0]!}-slim`]));
  });

  test('copies what there is, and what .dockerignore lets through', () => {
    const [nothing, ...wanted] = read('.dockerignore')
      .replace(/^#.*\n/gm, '')
      .trimEnd()
      .split('\n');
    expect(nothing).toBe('*');
    const copied = all('COPY')
      .filter((line) => !line.startsWith('--from'))
      .flatMap((line) => line.split(' ').slice(0, -1));
    expect([...new Set(copied)].sort()).toEqual(wanted.map((line) => line.slice(1)).sort());
    for (const path of copied) expect(existsSync(join(ROOT, path))).toBe(true);
  });

  test('sets variables that the service has, and leaves it to whoever runs it who may call', () => {
    const own = environment.map(([name]) => name).filter((name) => name !== 'NODE_ENV');
    expect(own).toEqual(['HOST']);
    expect(Object.keys(variables)).toEqual(expect.arrayContaining(own));
  });

  test('starts the service as npm run start:prod does, without npm, and without rights', () => {
    expect(JSON.parse(all('CMD').at(-1)!)).toEqual(manifest.scripts['start:prod']!.split(' '));
    expect(instructions.indexOf('USER node')).toBeGreaterThan(
      instructions.findLastIndex((line) => line.startsWith('FROM')),
    );
  });
});

describe('compose.yaml', () => {
  const text = read('compose.yaml');
  const withValues = text
    .replace(/\$\{POSTGRES_PASSWORD[^}]*\}/g, 'secret')
    .replace(/\$\{\w+:-(\w+)\}/g, '$1');
  const { services, secrets } = parse(withValues, {
    merge: true,
  }) as { services: Record<string, Service>; secrets: Record<string, { file: string }> };
  const nodes = Object.entries(services).filter(([name]) => name !== 'postgres');

  test.each(nodes)('gives %s variables that the service has, and takes', (_name, { environment }) => {
    expect(Object.keys(variables)).toEqual(expect.arrayContaining(Object.keys(environment)));
    const { DATABASE_URL, ROLE } = parseConfig(environment);
    expect(DATABASE_URL.kind).toBe('postgres');
    expect(ROLE).toMatch(/^(api|worker)$/);
  });

  test('names the database as Postgres makes it', () => {
    const { environment } = services.postgres!;
    for (const [, node] of nodes) {
      const { username, password, hostname, pathname } = new URL(node.environment.DATABASE_URL!);
      expect(hostname).toBe('postgres');
      expect({ username, password, database: pathname.slice(1) }).toEqual({
        username: environment.POSTGRES_USER,
        password: environment.POSTGRES_PASSWORD,
        database: environment.POSTGRES_DB,
      });
    }
  });

  test('lets a node be reached with keys alone', () => {
    for (const [, { environment, secrets: given = [], ports = [] }] of nodes) {
      expect(environment).not.toHaveProperty('ALLOW_ANONYMOUS');
      if (environment.HOST === '127.0.0.1') expect(ports).toEqual([]);
      else expect(given.map((name) => `/run/secrets/${name}`)).toEqual([environment.API_KEYS_FILE]);
      for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:/);
    }
    expect(Object.values(secrets).map(({ file }) => file)).toEqual(['./keys.json']);
    expect(read('.gitignore')).toMatch(/^keys\.json$/m);
  });

  test('gives a node longer to stop than that takes', () => {
    for (const [, { stop_grace_period: period = '' }] of nodes)
      expect(parseInt(period) * 1000).toBeGreaterThan(parseConfig({}).SHUTDOWN_GRACE);
  });
});
