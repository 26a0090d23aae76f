import { readdirSync } from 'node:fs';
import { afterAll, afterEach, describe, expect, test } from '@jest/globals';
import { ApiKeys } from '../../support/api-keys.js';
import { ServiceProcess } from '../../support/service-process.js';
import { temporaryDirectory } from '../../support/temporary-directory.js';

/** An address that no machine has (RFC 5737): a start that isn't refused before ends when it is to listen there. */
const ELSEWHERE = '192.0.2.1';
const NOT_OURS = /HOST is no address of this machine/;

describe('a start where others can reach the service', () => {
  const keys = new ApiKeys();
  keys.create('ci', 'runs:read');
  afterAll(() => keys.remove());
  const directory = temporaryDirectory();

  test.each(['0.0.0.0', '::', ELSEWHERE])(
    'is refused on %s without API keys, with what to do, before a database is made',
    async (HOST) => {
      const { code, stdout, stderr } = await ServiceProcess.run({ env: { HOST }, directory });
      expect(code).toBe(1);
      expect(stderr).toMatch(new RegExp(`^HOST is ${HOST}, which others than this machine may reach`));
      for (const mend of [
        'npm run keys -- create',
        'API_KEYS_FILE=',
        'ALLOW_ANONYMOUS=true',
        'HOST=127.0.0.1',
      ])
        expect(stderr).toContain(mend);
      expect(stdout + stderr).not.toMatch(/\n\s+at |file:\/\//);
      expect(readdirSync(directory)).toEqual([]);
    },
  );

  test.each([
    ['API keys', { API_KEYS_FILE: keys.path }],
    ['ALLOW_ANONYMOUS=true', { ALLOW_ANONYMOUS: 'true' }],
  ])('is not refused with %s', async (_what, env) => {
    const { stderr } = await ServiceProcess.run({ env: { HOST: ELSEWHERE, ...env } });
    expect(stderr).toMatch(NOT_OURS);
  });

  test.each([
    ['is missing', '/nowhere/keys.json', /no directory \/nowhere/],
    ['is no JSON', import.meta.filename, /are no JSON/],
  ])('is refused with a file of keys that %s, on loopback too', async (_what, path, flaw) => {
    const { code, stderr } = await ServiceProcess.run({ env: { API_KEYS_FILE: path }, directory });
    expect(code).toBe(1);
    expect(stderr).toMatch(flaw);
    expect(stderr).toContain(path);
    expect(readdirSync(directory)).toEqual([]);
  });
});

describe('a start on loopback', () => {
  const keys = new ApiKeys();
  const key = keys.create('ci', 'runs:read');
  afterAll(() => keys.remove());
  let service: ServiceProcess;
  afterEach(() => service.stop('SIGKILL'));

  test.each(['localhost', '127.0.0.1'])('needs no keys with HOST=%s', async (HOST) => {
    service = await ServiceProcess.start({ env: { HOST, DATABASE_URL: 'memory:' } });
    await service.http.get('/tasks').expect(200);
  });

  test('keeps to the keys, and says so, although ALLOW_ANONYMOUS is true', async () => {
    service = await ServiceProcess.start({
      env: { API_KEYS_FILE: keys.path, ALLOW_ANONYMOUS: 'true', DATABASE_URL: 'memory:' },
    });
    expect(await service.line(/^ALLOW_ANONYMOUS changes nothing/)).toMatchObject({ level: 40 });
    expect((await service.line(/^Listening/)).msg).toContain("-H 'Authorization: Bearer <key>'");
    await service.http.get('/tasks').expect(401);
    await service.http.get('/tasks').auth(key, { type: 'bearer' }).expect(200);
  });
});
