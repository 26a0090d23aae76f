import { randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import { Seal, SealError } from './seal.js';

const [older, newer] = [randomBytes(32), randomBytes(32)];
const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';

describe('a seal', () => {
  test('opens what it has sealed, which is never the same text twice', () => {
    const seal = new Seal([newer]);
    const texts = [SECRET, '', 'ключ 🔑'];
    expect(texts.map((text) => seal.open(seal.seal(text)))).toEqual(texts);
    expect(seal.seal(SECRET)).not.toBe(seal.seal(SECRET));
  });

  test('seals with its first key, and opens with all', () => {
    const sealedBefore = new Seal([older]).seal(SECRET);
    const both = new Seal([newer, older]);
    expect(both.open(sealedBefore)).toBe(SECRET);
    expect(new Seal([newer]).open(both.seal(SECRET))).toBe(SECRET);
  });

  test('refuses what a key has sealed that is gone, and says which variable takes it', () => {
    const sealed = new Seal([older]).seal(SECRET);
    expect(() => new Seal([newer]).open(sealed)).toThrow(SealError);
    expect(() => new Seal([newer]).open(sealed)).toThrow(/SECRETS_KEY.*put that behind the first/);
    expect(() => new Seal([]).open(sealed)).toThrow(SealError);
  });

  test('refuses a text with any byte changed, added or taken away', () => {
    const seal = new Seal([newer]);
    const bytes = Buffer.from(seal.seal(SECRET), 'base64');
    for (let at = 0; at < bytes.length; at += 1) {
      const changed = Buffer.from(bytes);
      changed[at]! ^= 1;
      expect(() => seal.open(changed.toString('base64'))).toThrow(SealError);
      expect(() => seal.open(bytes.subarray(0, at).toString('base64'))).toThrow(SealError);
    }
    expect(() => seal.open(Buffer.concat([bytes, Buffer.of(0)]).toString('base64'))).toThrow(SealError);
  });

  test('seals nothing without a key', () => {
    expect(new Seal([newer]).canSeal).toBe(true);
    expect(new Seal([]).canSeal).toBe(false);
    expect(() => new Seal([]).seal(SECRET)).toThrow('There is no key to seal with');
  });

  test('shows neither its keys nor a text in prints and errors', () => {
    const seal = new Seal([newer]);
    const bytes = inspect(newer).slice('<Buffer '.length, -1);
    expect(inspect(seal, { depth: null, showHidden: true })).not.toContain(bytes.slice(0, 11));
    const error = (() => {
      try {
        return new Seal([older]).open(seal.seal(SECRET));
      } catch (thrown) {
        return inspect(thrown);
      }
    })();
    expect(error).not.toContain(SECRET);
  });
});
