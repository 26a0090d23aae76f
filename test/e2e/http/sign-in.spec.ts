import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import supertest, { type Response } from 'supertest';
import { changeKeys, readKeys } from '../../../src/access/keys-file.js';
import { Sessions } from '../../../src/access/sessions.js';
import { DomainError } from '../../../src/core/domain-error.js';
import { Journal } from '../../../src/run/journal.js';
import { ApiKeys } from '../../support/api-keys.js';
import { DatabaseFile } from '../../support/database-file.js';
import { expectProblem } from '../../support/problem.js';
import { TestApp } from '../../support/test-app.js';

const SHOP = 'https://shop.example';
const HOURS_12 = 12 * 3_600_000;
const BROWSER = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8';
type Headers = Readonly<Record<string, string>>;

const fromElsewhere: readonly Headers[] = [
  { 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'no-cors' },
  { 'Sec-Fetch-Site': 'same-site', 'Sec-Fetch-Mode': 'no-cors' },
  { 'Sec-Fetch-Site': 'same-site', Origin: SHOP },
  { Origin: 'https://evil.example' },
  { Origin: SHOP },
  { Origin: 'null' },
];

/** What a browser sends back of a `Set-Cookie`. */
function cookieOf(response: Response): string {
  return response.get('Set-Cookie')![0]!.split(';', 1)[0]!;
}

function signIn(service: TestApp, key: string, headers: Headers = {}) {
  return supertest(service.url).post('/session').set(headers).send({ key });
}

describe('a session of a browser', () => {
  const keys = new ApiKeys();
  const file = new DatabaseFile();
  const ada = keys.create('ada', 'runs:read', 'runs:write');
  const reader = keys.create('reader', 'runs:read');
  const env = { API_KEYS_FILE: keys.path, CORS_ORIGINS: SHOP, DATABASE_URL: file.url };
  let service: TestApp;
  let cookie: string;
  beforeAll(async () => {
    await keys.choose('correct-horse-battery', 'chosen', 'runs:read');
    service = await TestApp.start({ env, key: ada });
    cookie = cookieOf(await signIn(service, ada).expect(200));
  });
  afterEach(() => {
    jest.restoreAllMocks();
  });
  afterAll(async () => {
    await service.close();
    keys.remove();
    file.remove();
  });

  const get = (path: string, Cookie = cookie) => supertest(service.url).get(path).set({ Cookie });

  test('begins with a key, and is a cookie for 12 hours that no script and no other page sees', async () => {
    const before = Date.now();
    const answer = await signIn(service, ada).expect(200);
    expect(answer.get('Set-Cookie')).toEqual([
      expect.stringMatching(
        /^frontrunner=[\w-]+\.[\w-]+; Max-Age=43200; Path=\/; Expires=[^;]+ GMT; HttpOnly; SameSite=Strict$/,
      ),
    ]);
    const { until, ...body } = answer.body as { until: string };
    expect(body).toEqual({ keyNeeded: true, client: 'ada', scopes: ['runs:read', 'runs:write'] });
    expect(Date.parse(until)).toBeGreaterThanOrEqual(before + HOURS_12);
    await get('/session', cookieOf(answer)).expect(200, answer.body);
    const chosen = await signIn(service, 'correct-horse-battery').expect(200);
    expect(chosen.body).toMatchObject({ client: 'chosen' });
  });

  test('is taken wherever its key is, as that key, for event streams and Swagger UI too', async () => {
    const started = await supertest(service.url)
      .post('/tasks/demo/runs')
      .set({ Cookie: cookie, Origin: service.url, 'Sec-Fetch-Site': 'same-origin' })
      .send({})
      .expect(200);
    const run = started.get('Location')!;
    await service.event(run.slice('/runs/'.length), 'run.finished');
    expect((await get(run).expect(200)).body).toMatchObject({ client: 'ada' });
    await get(`${run}/events`)
      .set('Accept', 'text/event-stream')
      .expect(200, /^event: run\.finished$/m);
    for (const path of ['/docs', '/openapi.json', '/problems']) await get(path).expect(200);
    await get('/run-tasks').set('Sec-Fetch-Site', 'same-origin').expect(200);
  });

  test('has the scopes of its key, and gives way to a key in a header', async () => {
    const other = cookieOf(await signIn(service, reader).expect(200));
    await get('/runs', other).expect(200);
    const refused = await supertest(service.url).post('/tasks/demo/runs').set('Cookie', other).send({});
    await expectProblem(service, refused, 403, 'forbidden');
    const both = await get('/session').auth(reader, { type: 'bearer' }).expect(200);
    expect(both.body).toMatchObject({ client: 'reader', until: null });
    await get('/runs').set('X-API-Key', 'fr_wrong').expect(401);
    // What stands in front of the service may ask for a password of its own.
    await get('/session')
      .auth('proxy', 'password')
      .expect(200, /"client":"ada"/);
  });

  test('is nobody’s without a cookie: whoever asks is told that a key is needed', async () => {
    const nobody = { keyNeeded: true, client: null, scopes: [], until: null };
    await supertest(service.url).get('/session').expect(200, nobody);
    await get('/session', 'frontrunner=x').expect(200, nobody);
    await supertest(service.url).delete('/session').expect(204);
  });

  test.each([`fr_${'A'.repeat(43)}`, 'correct-horse-batterY', '', 'käse', 'x'.repeat(9_000), '__proto__'])(
    'does not begin with a wrong key, which is answered as every other one is: %#',
    async (key) => {
      const slow = jest.spyOn(service.app.get(Sessions).keys!, 'findSlowly');
      const answer = await signIn(service, key);
      await expectProblem(service, answer, 401, 'unauthorized');
      expect(answer.body).toMatchObject({ detail: 'The API key is none that the service knows' });
      expect(answer.get('WWW-Authenticate')).toBe('Bearer realm="frontrunner", error="invalid_token"');
      expect(answer.get('Set-Cookie')).toBeUndefined();
      expect(slow).toHaveBeenCalledTimes(1);
    },
  );

  test.each(fromElsewhere)(
    'is of no use to a page of another origin, be it one of CORS_ORIGINS: %j',
    async (from) => {
      const before = service.runsStarted;
      for (const [method, path] of [
        ['post', '/tasks/demo/runs'],
        ['delete', '/session'],
        ['post', '/sign-out'],
      ] as const) {
        const answer = await supertest(service.url)[method](path).set(from).set('Cookie', cookie);
        await expectProblem(service, answer, 403, 'foreign-page');
      }
      await get('/run-tasks').set(from).expect(401);
      await get('/runs').set(from).expect(401);
      for (const path of ['/session', '/sign-in'])
        expect((await supertest(service.url).post(path).set(from).send({ key: ada })).status).toBe(403);
      expect(service.runsStarted).toBe(before);
      await get('/runs').expect(200);
    },
  );

  test.each<[string, (good: string, streamToken: string) => string]>([
    ['broken', (good) => good.slice(0, -5)],
    [
      'of other letters',
      (good) => good.replace(/=(.)/, (_: string, first: string) => (first === 'W' ? '=X' : '=W')),
    ],
    ['without a signature', (good) => good.split('.', 1)[0]!],
    ['of dots', () => `frontrunner=${'.'.repeat(2_000)}`],
    ['huge', () => `frontrunner=${'A'.repeat(12_000)}`],
    ['empty', () => 'frontrunner='],
    ['no text', () => 'frontrunner=%zz; frontrunner'],
    ['a stream token', (_good, token) => `frontrunner=${token}`],
    ['behind another one of its name', (good) => `frontrunner=x; ${good}`],
    ['of a name that no TLS gave it', (good) => `__Host-${good}`],
    ['of another name', (good) => `__proto__=x; x${good}`],
  ])('is none with a cookie that is %s', async (_what, change) => {
    const made = await service.http.post('/stream-tokens').send({ path: '/events' }).expect(200);
    await get('/runs', change(cookie, (made.body as { token: string }).token)).expect(401);
  });

  test('is found among other cookies', async () => {
    await get('/runs', `a=1; b="2"; ${cookie}; c=%zz`).expect(200);
  });

  test('ends after 12 hours', async () => {
    const answer = await get('/session').expect(200);
    const until = Date.parse((answer.body as { until: string }).until);
    const now = jest.spyOn(service.app.get(Journal), 'now').mockReturnValue(until - 1);
    await get('/runs').expect(200);
    now.mockReturnValue(until);
    await get('/runs').expect(401);
  });

  test('can’t be told from one that was ended while the journal can’t be read, and is refused', async () => {
    const { tokens } = service.app.get(Journal);
    jest.spyOn(tokens, 'isWithdrawn').mockRejectedValue(new DomainError('journal-unavailable', 'away'));
    await get('/runs').expect(503);
    await service.http.get('/runs').expect(200);
  });

  test('ends by signing out, which a copy of the cookie and a restart know of, and no other session does', async () => {
    const [one, two] = [cookieOf(await signIn(service, ada)), cookieOf(await signIn(service, ada))];
    const answer = await supertest(service.url).delete('/session').set('Cookie', one).expect(204);
    expect(answer.get('Set-Cookie')).toEqual([
      expect.stringMatching(
        /^frontrunner=; Path=\/; Expires=Thu, 01 Jan 1970 .*; HttpOnly; SameSite=Strict$/,
      ),
    ]);
    await get('/runs', one).expect(401);
    await supertest(service.url).delete('/session').set('Cookie', one).expect(204);
    await supertest(service.url)
      .post('/sign-out')
      .set({ Cookie: two, Origin: service.url })
      .expect(303)
      .expect('Location', '/sign-in');
    await get('/runs', two).expect(401);
    await get('/runs').expect(200);
    await service.close();
    service = await TestApp.start({ env, key: ada });
    for (const ended of [one, two]) await get('/runs', ended).expect(401);
    await get('/runs').expect(200);
  });

  test('ends at once with its key, also where the name is given to another one', async () => {
    const gone = cookieOf(await signIn(service, keysOfTest.gone));
    const replaced = cookieOf(await signIn(service, keysOfTest.replaced));
    for (const Cookie of [gone, replaced]) await get('/runs', Cookie).expect(200);
    changeKeys(keys.path, (entries) => entries.filter(({ name }) => name !== 'gone' && name !== 'replaced'));
    keys.create('replaced', 'runs:read');
    service.app.get(Sessions).keys!.replace(readKeys(keys.path));
    for (const Cookie of [gone, replaced]) await get('/runs', Cookie).expect(401);
    await get('/runs').expect(200);
  });
  const keysOfTest = {
    gone: keys.create('gone', 'runs:read'),
    replaced: keys.create('replaced', 'runs:read'),
  };

  describe('begins on a page', () => {
    const page = (path: string, headers: Headers = {}) =>
      supertest(service.url)
        .get(path)
        .set({ Accept: BROWSER, ...headers });
    const form = (path: string, fields: object) =>
      supertest(service.url).post(path).type('form').set('Origin', service.url).send(fields);

    test.each([
      ['/', '/sign-in'],
      ['/?a=1&b=2', '/sign-in?next=%2F%3Fa%3D1%26b%3D2'],
      ['/docs', '/sign-in?next=%2Fdocs'],
      ['/docs/', '/sign-in?next=%2Fdocs%2F'],
      ['/ui', '/sign-in?next=%2Fui'],
      ['/ui/?q=%22%3Cb', '/sign-in?next=%2Fui%2F%3Fq%3D%2522%253Cb'],
      ['/problems/run-unknown', '/sign-in?next=%2Fproblems%2Frun-unknown'],
      ['/runs/some', '/sign-in?next=%2Fruns%2Fsome'],
    ])('to which a browser is led from %s', async (path, location) => {
      await page(path).expect(303).expect('Location', location);
      await supertest(service.url).head(path).set('Accept', BROWSER).expect(303);
      await page(path, { Cookie: 'frontrunner=x' }).expect(303);
    });

    test.each<[string, Headers]>([
      ['/docs', { Accept: '*/*' }],
      ['/docs', { Accept: 'application/json, text/html;q=0.9' }],
      ['/docs', { 'X-API-Key': 'fr_wrong' }],
      ['/docs', { Authorization: 'Bearer fr_wrong' }],
      ['/runs', {}],
      ['/runs/some/events', {}],
      ['/tasks', {}],
      ['/nowhere', {}],
      ['//docs', {}],
    ])('to which a program is not: %s %j', async (path, headers) => {
      await page(path, headers).expect(401);
    });

    test('of plain HTML, which says what is missing and leads on for those who are signed in', async () => {
      const { text } = await page('/sign-in?next=/docs%3Fa=%22%3E%3Cb')
        .expect(200)
        .expect('Content-Type', /^text\/html/);
      expect(text).toMatch(/^<!doctype html><html lang="en">/);
      expect(text).toContain('<form method="post" action="">');
      expect(text).toContain('<label for="key">API key</label>');
      expect(text).toContain('<a href="/docs?a=%22%3E%3Cb">go on</a>');
      expect(text).not.toContain('<script');
      const signedIn = await page('/sign-in', { Cookie: cookie }).expect(200);
      expect(signedIn.text).toMatch(/signed in as <b>ada<\/b>[^]*<form method="post" action="\/sign-out">/);
      await supertest(service.url)
        .put('/sign-in')
        .auth(ada, { type: 'bearer' })
        .expect(405)
        .expect('Allow', 'GET, HEAD, POST, OPTIONS');
    });

    test('whose form leads on with a session, and says what was wrong with a key', async () => {
      const wrong = await form('/sign-in?next=/docs', { key: 'fr_wrong' }).expect(401);
      expect(wrong.text).toContain('role="alert">The API key is none that the service knows');
      expect(wrong.get('Set-Cookie')).toBeUndefined();
      for (const fields of [{}, { key: [ada, ada] }, { other: ada }])
        await form('/sign-in', fields).expect(401);
      const right = await form('/sign-in?next=/docs', { key: ada }).expect(303).expect('Location', '/docs');
      await get('/runs', cookieOf(right)).expect(200);
      const api = await form('/session', { key: ada, next: '/ui/' }).expect(303).expect('Location', '/ui/');
      await get('/runs', cookieOf(api)).expect(200);
      await expectProblem(service, await form('/session', { key: 'fr_wrong' }), 401, 'unauthorized');
      await form('/session', {}).expect(400);
      await form('/sign-in', { key: 'x'.repeat(20_000) }).expect(413);
      await form('/tasks/demo/runs', { key: ada }).set('Cookie', cookie).expect(415);
      await supertest(service.url).post('/session').type('text/plain').send(ada).expect(415);
    });

    test.each([
      ['/docs?a=1#b', '/docs?a=1#b'],
      ['/ui/#/runs/1', '/ui/#/runs/1'],
      ['', '/'],
      ['docs', '/'],
      ['//evil.example/', '/'],
      ['/\\evil.example/', '/'],
      ['/.//evil.example/', '/'],
      ['/a/..//evil.example/', '/'],
      ['/\t/evil.example/', '/'],
      ['/%09/evil.example', '/%09/evil.example'],
      ['https://evil.example/', '/'],
      ['javascript:alert(1)', '/'],
      ['\n//evil.example', '/'],
      ['/docs\r\nSet-Cookie: a=b', '/docsSet-Cookie:%20a=b'],
      [`/${'a'.repeat(5_000)}`, '/'],
    ])('from which %j leads to %j', async (next, location) => {
      const answer = await form(`/sign-in?next=${encodeURIComponent(next)}`, { key: ada }).expect(303);
      expect(answer.get('Location')).toBe(location);
      await form('/session', { key: ada, next }).expect(303).expect('Location', location);
    });

    test('from which several addresses lead to none of them', async () => {
      await form('/sign-in?next=/a&next=/b', { key: ada }).expect(303).expect('Location', '/');
    });
  });
});

describe('the cookie of a session', () => {
  const keys = new ApiKeys();
  const key = keys.create('ada', 'runs:read');
  let service: TestApp;
  beforeAll(async () => {
    service = await TestApp.start({ env: { API_KEYS_FILE: keys.path, TRUSTED_PROXIES: '127.0.0.1' } });
  });
  afterAll(async () => {
    await service.close();
    keys.remove();
  });

  test.each<[Headers, string, string]>([
    [{}, 'frontrunner', 'Path=/; '],
    [{ 'X-Forwarded-Prefix': '/a' }, 'frontrunner', 'Path=/a; '],
    [{ 'X-Forwarded-Proto': 'https' }, '__Host-frontrunner', 'Path=/; .*Secure; '],
    [
      { 'X-Forwarded-Proto': 'https', 'X-Forwarded-Prefix': '/a/b' },
      '__Secure-frontrunner',
      'Path=/a/b; .*Secure; ',
    ],
    [
      { 'X-Forwarded-Proto': 'https', 'X-Forwarded-Prefix': '/a', 'X-Forwarded-Host': 'x.example' },
      '__Secure-frontrunner',
      'Path=/a; .*Secure; ',
    ],
  ])('is bound to where the proxy says that the caller is: %j', async (headers, name, terms) => {
    const answer = await signIn(service, key, headers).expect(200);
    const [set] = answer.get('Set-Cookie')!;
    expect(set).toMatch(new RegExp(`^${name}=[^;]+; .*${terms}`));
    expect(set!.includes('Secure')).toBe('X-Forwarded-Proto' in headers);
    const Cookie = cookieOf(answer);
    await supertest(service.url)
      .get('/runs')
      .set({ ...headers, Cookie })
      .expect(200);
    const elsewhere: Headers = name === 'frontrunner' ? { 'X-Forwarded-Proto': 'https' } : {};
    await supertest(service.url)
      .get('/runs')
      .set({ ...elsewhere, Cookie })
      .expect(401);
  });

  test('goes with links below the prefix of the proxy', async () => {
    const proxied = { 'X-Forwarded-Prefix': '/a', Accept: BROWSER };
    const led = await supertest(service.url).get('/docs').set(proxied).expect(303);
    expect(led.get('Location')).toBe('/a/sign-in?next=%2Fdocs');
    const form = supertest(service.url).post('/sign-in?next=%2Fdocs').set(proxied).type('form').send({ key });
    await form.expect(303).expect('Location', '/a/docs');
  });
});

describe('where no key is needed', () => {
  let service: TestApp;
  beforeAll(async () => {
    service = await TestApp.start();
  });
  afterAll(() => service.close());

  test('there is nobody to sign in', async () => {
    const nobody = { keyNeeded: false, client: null, scopes: [], until: null };
    await service.http.get('/session').set('Cookie', 'frontrunner=x').expect(200, nobody);
    const answer = await service.http.post('/session').send({ key: 'any' }).expect(200, nobody);
    expect(answer.get('Set-Cookie')).toBeUndefined();
    await service.http.get('/sign-in?next=/docs').expect(303).expect('Location', '/docs');
    await service.http.get('/docs').set('Accept', BROWSER).expect(200);
  });
});
