import { describe, expect, test } from '@jest/globals';
import { proxyUrl } from '../core/proxy-url.js';
import { environmentProxy } from './proxies.js';

describe('the proxy of an origin', () => {
  const proxies = { http: 'http://plain:1/', https: 'http://secure:1/', except: [] };
  const isDirect = (origin: string, ...except: string[]) =>
    environmentProxy(origin, { ...proxies, except }) === undefined;

  test('is that of its scheme', () => {
    expect(environmentProxy('http://a.example', proxies)).toBe('http://plain:1/');
    expect(environmentProxy('https://a.example', proxies)).toBe('http://secure:1/');
    expect(environmentProxy('https://a.example', { ...proxies, https: null })).toBeUndefined();
  });

  test.each([
    ['https://a.example', 'a.example'],
    ['https://b.a.example', 'a.example'],
    ['https://a.example', '.a.example'],
    ['https://b.a.example', '*.a.example'],
    ['https://a.example.', 'A.Example'],
    ['https://a.example', 'other.example', '*'],
    ['https://a.example', 'a.example:443'],
    ['http://a.example:8080', 'a.example:8080'],
    ['http://10.1.2.3', '10.1.2.3'],
    ['http://10.1.2.3', '10.0.0.0/8'],
    ['http://[fd00::1]', 'fd00::1'],
    ['http://[fd00::1]:81', '[fd00::1]:81'],
    ['http://[fd00::1]', 'fd00::/8'],
  ])('is none for %s with NO_PROXY=%s', (origin, ...except) => {
    expect(isDirect(origin, ...except)).toBe(true);
  });

  test.each([
    ['https://ba.example', 'a.example'],
    ['https://a.example', '*.a.example'],
    ['https://a.example', 'b.a.example'],
    ['https://a.example', 'a.example:80'],
    ['http://11.1.2.3', '10.0.0.0/8'],
    ['http://10.1.2.3', 'fd00::/8'],
    ['http://10.1.2.3', '10.0.0.0/99'],
    ['https://a.example', '10.0.0.0/8'],
    ['https://a.example', '.'],
  ])('is used for %s in spite of NO_PROXY=%s', (origin, ...except) => {
    expect(isDirect(origin, ...except)).toBe(false);
  });

  test.each([
    ['proxy:3128', 'http://proxy:3128/'],
    ['http://user:pass@proxy', 'http://user:pass@proxy/'],
    ['https://proxy.example:8443/', 'https://proxy.example:8443/'],
    ['socks5://proxy:1080', undefined],
    ['http://proxy/path', undefined],
    ['http://u:%ZZ@proxy', undefined],
    ['http://', undefined],
  ])('of the text %s is %s', (text, url) => {
    expect(proxyUrl(text)).toBe(url);
  });
});
