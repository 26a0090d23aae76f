import { describe, expect, test } from '@jest/globals';
import { HostNames } from './host-names.js';

const OTHERS = ['evil.example', 'localhost.evil.example', 'notlocalhost', '128.0.0.1', '[2001:db8::1]'];

describe('HostNames', () => {
  test.each([
    'localhost',
    'LOCALHOST:3000',
    'localhost.',
    'demo.localhost:3000',
    '127.0.0.1',
    '127.8.9.10:1',
    '127.1',
    '[::1]:3000',
    '[::ffff:127.0.0.1]',
    'runs.internal:99',
  ])('has %s', (header) => {
    const hosts = new HostNames('127.0.0.1', ['runs.internal']);
    expect([hosts.has(header), hosts.has(header)]).toEqual([true, true]);
  });

  test.each([
    ...OTHERS,
    '',
    ':3000',
    'localhost, evil.example',
    'localhost/evil',
    'evil.example#localhost',
    'localhost@evil.example',
    'evil.example\\@localhost',
    '0.0.0.0',
    'internal',
    'x.runs.internal',
    'localhost:99999',
  ])('has not %j', (header) => {
    expect(new HostNames('127.0.0.1', ['runs.internal']).has(header)).toBe(false);
  });

  test.each([
    ['192.0.2.1', '192.0.2.1:3000', '192.0.2.2'],
    ['2001:db8::1', '[2001:DB8::1]:3000', '[2001:db8::2]'],
    ['Box.example', 'box.example', 'other.example'],
  ])('has HOST and no other address when that is %s', (host, own, other) => {
    const hosts = new HostNames(host, []);
    expect([hosts.has(own), hosts.has('localhost'), hosts.has(other)]).toEqual([true, true, false]);
  });

  test.each(['0.0.0.0', '::'])('has every address, and no other name, when HOST is %s', (host) => {
    const hosts = new HostNames(host, []);
    expect(
      ['192.0.2.1:80', '[2001:db8::1]', '127.0.0.1', 'localhost'].map((name) => hosts.has(name)),
    ).toEqual(Array<boolean>(4).fill(true));
    expect(hosts.has('evil.example')).toBe(false);
  });

  test('has as many headers as anybody sends', () => {
    const hosts = new HostNames('127.0.0.1', []);
    for (let port = 1; port <= 300; port += 1) expect(hosts.has(`localhost:${port}`)).toBe(true);
  });
});
