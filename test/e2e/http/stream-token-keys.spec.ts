import { afterAll, describe, expect, test } from '@jest/globals';
import supertest from 'supertest';
import { changeKeys } from '../../../src/access/keys-file.js';
import type { Scope } from '../../../src/access/scope.js';
import { ApiKeys } from '../../support/api-keys.js';
import { DatabaseFile } from '../../support/database-file.js';
import { StreamReader } from '../../support/stream-reader.js';
import { TestApp } from '../../support/test-app.js';

/** The address of all events, with a token that a key has made. */
async function urlOf({ http }: TestApp, key = 'none'): Promise<string> {
  const request = http.post('/stream-tokens').auth(key, { type: 'bearer' });
  const made = await request.send({ path: '/events' }).expect(200);
  return (made.body as { url: string }).url;
}

describe('stream tokens', () => {
  const file = new DatabaseFile();
  const keys = new ApiKeys();
  afterAll(() => {
    keys.remove();
    file.remove();
  });

  test('outlive a restart, and go by what the keys of their clients are good for then', async () => {
    const key = Object.fromEntries(
      ['kept', 'withdrawn', 'shrunk', 'narrowed', 'replaced'].map((name) => [
        name,
        keys.create(name, 'runs:read'),
      ]),
    );
    const env = { API_KEYS_FILE: keys.path, DATABASE_URL: file.url };
    let service = await TestApp.start({ env });
    const made = Object.entries(key).map(
      async ([name, secret]) => [name, await urlOf(service, secret)] as const,
    );
    const urls = await Promise.all(made);
    await service.close();
    const scopes: Record<string, Scope[]> = { shrunk: ['runs:write'], narrowed: ['runs:read:own'] };
    changeKeys(keys.path, (entries) =>
      entries
        .filter(({ name }) => name !== 'withdrawn' && name !== 'replaced')
        .map((entry) => ({ ...entry, scopes: scopes[entry.name] ?? entry.scopes })),
    );
    keys.create('replaced', 'runs:read');
    service = await TestApp.start({ env });
    const statuses = urls.map(async ([name, url]) => {
      const head = await supertest(service.url).head(url).set('Accept', 'text/event-stream');
      return [name, head.status] as const;
    });
    expect(Object.fromEntries(await Promise.all(statuses))).toEqual({
      kept: 200,
      narrowed: 200,
      shrunk: 403,
      withdrawn: 401,
      replaced: 401,
    });
    await service.close();
  });

  test('are made and taken where nobody needs one', async () => {
    const service = await TestApp.start();
    (await StreamReader.open(service.url + (await urlOf(service)))).close();
    await service.close();
  });
});
