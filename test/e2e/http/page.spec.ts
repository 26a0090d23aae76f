import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import supertest from 'supertest';
import { FACES } from '../../support/faces.js';
import { sendRaw } from '../../support/raw-http.js';
import { TestApp } from '../../support/test-app.js';
import { ROOT } from '../../support/type-check.js';

const UI = join(ROOT, 'ui');
const OWN = readdirSync(UI, { recursive: true, encoding: 'utf8' }).filter((file) =>
  /\.(js|css|svg|html)$/.test(file),
);
const VENDORS = ['preact.js', 'hooks.js', 'htm.js', 'uplot.js', 'uplot.css'].map((file) => `vendor/${file}`);
const TYPES = { js: /^text\/javascript/, css: /^text\/css/, svg: /^image\/svg\+xml/, html: /^text\/html/ };
const NAMED = /(?:\bfrom\s*|\bimport\s*\(?\s*)["']([\w@./-]+)["']/g;
const withoutComments = (text: string) => text.replaceAll(/\/\*[^]*?\*\//g, '');

describe.each(FACES)('the files of the page, served by %s,', (face) => {
  let service: TestApp;
  beforeAll(async () => {
    service = await TestApp.start({ face });
  });
  afterAll(() => service.close());
  const get = (path: string) => supertest(service.url).get(path);

  test('are reached from /ui, by a link that leads through any proxy', async () => {
    for (const path of ['/ui', '/UI', '/ui?x=1']) {
      const response = await get(path).expect(302);
      expect(response.get('Location')).toBe('ui/');
    }
    const page = await get('/ui/').expect(200).expect('Content-Type', TYPES.html);
    // Whatever it names, it names by its place.
    expect(page.text).not.toMatch(/(src|href)="(\/|https?:)/);
  });

  test('have the types that browsers ask for, under the policy of the service', async () => {
    for (const file of [...OWN, ...VENDORS]) {
      const type = TYPES[file.split('.').at(-1) as keyof typeof TYPES];
      const { headers } = await get(`/ui/${file}`).expect(200).expect('Content-Type', type);
      expect(headers).toMatchObject({
        'cache-control': 'no-cache',
        'content-security-policy': expect.stringContaining("default-src 'self'"),
        'x-content-type-options': 'nosniff',
      });
    }
  });

  test('name no package, and nothing that isn’t served', async () => {
    for (const file of [...OWN, ...VENDORS].filter((name) => name.endsWith('.js'))) {
      const { text } = await get(`/ui/${file}`);
      const names = [...withoutComments(text).matchAll(NAMED)].map(([, name]) => name!);
      for (const name of names) await get(new URL(name, `http://x/ui/${file}`).pathname).expect(200);
    }
  });

  test('are sent again only where they have changed', async () => {
    for (const file of ['index.html', 'main.js', 'vendor/preact.js']) {
      const { headers } = await get(`/ui/${file}`).expect(200);
      const again = await get(`/ui/${file}`).set('If-None-Match', headers.etag!).expect(304);
      expect(again.text).toBe('');
    }
  });

  test('are compressed, all or nothing', async () => {
    for (const file of ['style.css', 'vendor/preact.js']) {
      const plain = await get(`/ui/${file}`).set('Accept-Encoding', 'identity').expect(200);
      // Undone by the client, which so proves that it is whole.
      const packed = await get(`/ui/${file}`)
        .set({ 'Accept-Encoding': 'gzip', Range: 'bytes=0-9' })
        .expect(200);
      expect(packed.get('Content-Encoding')).toBe('gzip');
      expect([packed.text, packed.body]).toEqual([plain.text, plain.body]);
    }
    await supertest(service.url).head('/ui/style.css').expect(200);
  });

  test.each([
    '/ui/nothing.js',
    '/ui/screens',
    '/ui/screens/',
    '/ui/vendor/nothing.js',
    '/ui/vendor/constructor',
    '/ui/../package.json',
    '/ui/..%2fpackage.json',
    '/ui/%2e%2e/package.json',
    '/ui/..%5cpackage.json',
    '/ui//etc/passwd',
    '/ui/%00',
    '/ui/.%00./package.json',
  ])('are all that there is: %s is a problem', async (path) => {
    const answer = await sendRaw(service.url, [`GET ${path} HTTP/1.1`]);
    expect(answer).toMatch(/^HTTP\/1.1 40[04] [^]*application\/problem\+json/);
    expect(answer).not.toContain('"dependencies"');
  });

  test.each([
    ['/ui', 405],
    ['/ui/', 405],
    ['/ui/main.js', 404],
    ['/ui/vendor/htm.js', 404],
  ])('take nothing: POST %s is %i', async (path, status) => {
    await supertest(service.url)
      .post(path)
      .send({})
      .expect(status)
      .expect('Content-Type', /problem\+json/);
  });
});

test('The page names its own files in packages and the image', () => {
  for (const folder of ['.', 'packages/nestjs']) {
    const { files } = JSON.parse(readFileSync(join(ROOT, folder, 'package.json'), 'utf8')) as {
      files: string[];
    };
    expect(files).toContain('ui');
  }
  expect(readFileSync(join(ROOT, 'Dockerfile'), 'utf8')).toMatch(/^COPY ui ui$/m);
});
