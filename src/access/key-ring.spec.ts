import { describe, expect, test } from '@jest/globals';
import { matchesScrypt, parseScrypt, scryptText, sha256 } from './key-hash.js';
import { KeyRing } from './key-ring.js';

const hex = (key: string) => sha256(key).toString('hex');
const CHEAP = '$scrypt$ln=1,r=8,p=1$c2FsdHNhbHRzYWx0$';

describe('KeyRing', () => {
  test('finds whose key it is among all of them, and nobody for any other', () => {
    const names = ['first', 'second', 'last'];
    const ring = new KeyRing(
      names.map((name) => ({ name, scopes: ['runs:read'], sha256: hex(`key-of-${name}`) })),
    );
    for (const name of names) {
      expect(ring.find(`key-of-${name}`)).toMatchObject({ name, scopes: new Set(['runs:read']) });
      expect(ring.client(name)).toBe(ring.find(`key-of-${name}`));
    }
    expect(ring.find('key-of-nobody')).toBeUndefined();
    expect(ring.find('')).toBeUndefined();
    expect(ring.client('nobody')).toBeUndefined();
  });

  test('tells a key from another one of the same name, and knows it again', async () => {
    const scrypt = await scryptText('chosen');
    const idOf = (hashes: { sha256: string } | { scrypt: string }) =>
      new KeyRing([{ name: 'ci', scopes: ['runs:read'], ...hashes }]).client('ci')?.id;
    const ids = [{ sha256: hex('a') }, { sha256: hex('b') }, { scrypt }].map(idOf);
    expect(new Set(ids).size).toBe(3);
    for (const id of ids) expect(id).toMatch(/^ci:[0-9a-f]{12}$/);
    expect([{ sha256: hex('a') }, { sha256: hex('b') }, { scrypt }].map(idOf)).toEqual(ids);
  });

  test('takes other keys in the place of its own: those that are gone open nothing, and those that stay are known at once', async () => {
    const entry = (name: string, scrypt: string) => ({ name, scopes: ['runs:read' as const], scrypt });
    const [stays, goes] = [entry('stays', await scryptText('kept')), entry('goes', await scryptText('lost'))];
    const ring = new KeyRing([stays, goes]);
    await ring.findSlowly('kept');
    const underWay = ring.findSlowly('lost');
    ring.replace([stays]);
    expect(ring.find('kept')).toMatchObject({ name: 'stays' });
    expect(await ring.findSlowly('lost')).toBeUndefined();
    expect(ring.client('goes')).toBeUndefined();
    await underWay;
    expect(ring.find('lost')).toBeUndefined();
  });

  test('finds a key by its scrypt hash slowly once, and at once from then on', async () => {
    const ring = new KeyRing([{ name: 'me', scopes: ['runs:write'], scrypt: await scryptText('chosen') }]);
    expect(ring.find('chosen')).toBeUndefined();
    expect(await ring.findSlowly('chosem')).toBeUndefined();
    expect(await ring.findSlowly('chosen')).toMatchObject({ name: 'me' });
    expect(ring.find('chosen')).toMatchObject({ name: 'me' });
    expect(ring.find('chosem')).toBeUndefined();
  });

  test('checks the same key once however many ask at a time, and refuses when too many others wait', async () => {
    const ring = new KeyRing([{ name: 'me', scopes: ['runs:read'], scrypt: await scryptText('chosen') }]);
    const same = await Promise.all(Array.from({ length: 500 }, () => ring.findSlowly('wrong')));
    expect(same.every((client) => client === undefined)).toBe(true);
    const others = new KeyRing([{ name: 'me', scopes: ['runs:read'], scrypt: `${CHEAP}${'A'.repeat(43)}` }]);
    const results = await Promise.allSettled(
      Array.from({ length: 500 }, (_, index) => others.findSlowly(`wrong-${index}`)),
    );
    const refused = results.filter(({ status }) => status === 'rejected');
    expect(refused).toHaveLength(500 - 101);
    expect(refused[0]).toMatchObject({ reason: { isBulkheadRejectedError: true } });
    expect(await others.findSlowly('wrong-again')).toBeUndefined();
  });
});

describe('parseScrypt', () => {
  test('reads the PHC string format', () => {
    expect(parseScrypt(`$scrypt$ln=15,r=8,p=3$c2FsdHNhbHRzYWx0$${'A'.repeat(43)}`)).toEqual({
      ln: 15,
      r: 8,
      p: 3,
      salt: Buffer.from('saltsaltsalt'),
      hash: Buffer.alloc(32),
    });
  });

  test('takes every cost within its bounds', async () => {
    for (const cost of ['ln=1,r=8,p=16', 'ln=17,r=8,p=1', 'ln=10,r=99,p=16'])
      expect(
        await matchesScrypt('key', parseScrypt(`$scrypt$${cost}$c2FsdHNhbHRzYWx0$${'A'.repeat(43)}`)!),
      ).toBe(false);
  });

  test.each([
    ['', 'nothing'],
    ['salt:hash', 'another form'],
    [`$scrypt$ln=0,r=8,p=1$c2FsdHNhbHRzYWx0$${'A'.repeat(43)}`, 'no cost'],
    [`$scrypt$ln=20,r=8,p=1$c2FsdHNhbHRzYWx0$${'A'.repeat(43)}`, 'too much memory'],
    [`$scrypt$ln=15,r=8,p=99$c2FsdHNhbHRzYWx0$${'A'.repeat(43)}`, 'too much work'],
    [`$scrypt$ln=16,r=1,p=1$c2FsdHNhbHRzYWx0$${'A'.repeat(43)}`, 'blocks that scrypt can’t do with that N'],
    ['$scrypt$ln=15,r=8,p=1$c2FsdHNhbHRzYWx0$AAAA', 'a short hash'],
  ])('refuses %j: %s', (text) => {
    expect(parseScrypt(text)).toBeUndefined();
  });
});
