import { lookup } from 'node:dns/promises';
import { describe, expect, test } from '@jest/globals';
import { isLoopback } from './exposure.js';

/** What a resolver knows; of any other name it knows nothing. */
const names: Readonly<Record<string, readonly string[]>> = {
  'here.test': ['127.0.0.1', '::1'],
  'half.test': ['127.0.0.1', '192.0.2.1'],
  'nowhere.test': [],
};
const resolve = (host: string, options: { all: true }): Promise<{ address: string; family: number }[]> => {
  if (/^([\da-f.:]+|localhost)$/.test(host)) return lookup(host, options);
  const addresses = names[host]?.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
  return addresses ? Promise.resolve(addresses) : Promise.reject(new Error('ENOTFOUND'));
};

describe('isLoopback', () => {
  test.each([
    '127.0.0.1',
    '127.8.9.10',
    '::1',
    '0:0:0:0:0:0:0:1',
    '::ffff:127.0.0.1',
    'localhost',
    'here.test',
  ])('is true of %s', async (host) => {
    expect(await isLoopback(host, resolve)).toBe(true);
  });

  test.each([
    '0.0.0.0',
    '::',
    '0',
    '192.0.2.1',
    '::ffff:192.0.2.1',
    '2001:db8::1',
    '128.0.0.1',
    'half.test',
    'nowhere.test',
    'unknown.test',
    '[::1]',
  ])('is false of %s', async (host) => {
    expect(await isLoopback(host, resolve)).toBe(false);
  });
});
