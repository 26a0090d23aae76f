import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, describe, expect, test } from '@jest/globals';
import { ApiKeys } from '../../test/support/api-keys.js';
import { parseConfig } from '../config/config.js';
import { AccessError } from './access-error.js';
import { openAccess } from './access.js';

/** An address that no machine has (RFC 5737). */
const ELSEWHERE = '192.0.2.1';

const open = (env: Readonly<Record<string, string>>) => openAccess(parseConfig(env));

describe('openAccess', () => {
  const keys = new ApiKeys();
  afterEach(() => {
    chmodSync(keys.path, 0o600);
  });
  keys.create('ci', 'runs:read');
  afterAll(() => keys.remove());

  test.each(['0.0.0.0', '::', ELSEWHERE])(
    'is refused on %s without API keys, with what to do',
    async (HOST) => {
      const refused = expect(open({ HOST })).rejects;
      await refused.toThrow(AccessError);
      await refused.toThrow(new RegExp(`^HOST is ${HOST}, which others than this machine may reach`));
      for (const mend of [
        'frontrunner keys create',
        'API_KEYS_FILE=',
        'ALLOW_ANONYMOUS=true',
        'HOST=127.0.0.1',
      ])
        await refused.toThrow(mend);
    },
  );

  test.each(['0.0.0.0', '::', ELSEWHERE])('is not refused on %s with API keys', async (HOST) => {
    const access = await open({ HOST, API_KEYS_FILE: keys.path });
    expect(access).toMatchObject({ keys: expect.anything(), warnings: [] });
  });

  test('lets anybody call with ALLOW_ANONYMOUS=true, and says so', async () => {
    expect(await open({ HOST: ELSEWHERE, ALLOW_ANONYMOUS: 'true' })).toMatchObject({
      keys: undefined,
      warnings: [`Anybody who reaches ${ELSEWHERE} may start and read runs: ALLOW_ANONYMOUS is true`],
    });
  });

  test.each(['localhost', '127.0.0.1'])('needs no keys with HOST=%s', async (HOST) => {
    expect(await open({ HOST })).toMatchObject({ keys: undefined, limit: undefined, warnings: [] });
  });

  test.each([{ PUBLIC_URL: 'https://api.example.com' }, { TRUSTED_PROXIES: 'loopback' }])(
    'needs no keys on loopback behind a proxy, and says who may call: %j',
    async (env) => {
      const { limit, warnings } = await open(env);
      expect(warnings).toEqual([
        'Anybody whom the proxy lets through may start and read runs: there are no API keys (API_KEYS_FILE)',
      ]);
      // Without TRUSTED_PROXIES all callers would share the count of the proxy.
      expect(limit?.rate).toEqual(
        'TRUSTED_PROXIES' in env ? { requests: 1000, windowMs: 60_000 } : undefined,
      );
      expect(await open({ ...env, API_KEYS_FILE: keys.path })).toMatchObject({ warnings: [] });
    },
  );

  test('keeps to the keys, and says so, although ALLOW_ANONYMOUS is true', async () => {
    const access = await open({ API_KEYS_FILE: keys.path, ALLOW_ANONYMOUS: 'true' });
    expect(access.keys).toBeDefined();
    expect(access.warnings).toEqual([expect.stringMatching(/^ALLOW_ANONYMOUS changes nothing/)]);
  });

  test.each([
    ['is missing', '/nowhere/keys.json', /no directory \/nowhere/],
    ['is no JSON', import.meta.filename, /are no JSON/],
  ])('is refused with a file of keys that %s, on loopback too', async (_what, path, flaw) => {
    const refused = expect(open({ API_KEYS_FILE: path })).rejects;
    await refused.toThrow(AccessError);
    await refused.toThrow(flaw);
    await refused.toThrow(path);
  });

  test.each([
    [0o644, 'read'],
    [0o606, 'change'],
  ])('warns of a file of keys with the rights %o', async (mode, can) => {
    chmodSync(keys.path, mode);
    const { warnings } = await open({ API_KEYS_FILE: keys.path });
    expect(warnings).toEqual([
      `Every user of this machine can ${can} API_KEYS_FILE ${keys.path}; take that right away: chmod o= ${keys.path}`,
    ]);
  });

  test('warns of no file of keys that its owner and a group alone can read', async () => {
    for (const mode of [0o600, 0o640]) {
      chmodSync(keys.path, mode);
      expect((await open({ API_KEYS_FILE: keys.path })).warnings).toEqual([]);
    }
  });

  test('is refused with a file that has no keys', async () => {
    const path = join(dirname(keys.path), 'none', 'keys.json');
    mkdirSync(dirname(path));
    writeFileSync(path, '{"keys":[]}');
    await expect(open({ API_KEYS_FILE: path })).rejects.toThrow(`API_KEYS_FILE ${path} has no keys`);
  });
});
