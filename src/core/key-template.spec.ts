import { describe, expect, it } from '@jest/globals';
import { KeyTemplate, type Keyed } from './key-template.js';

const REQUEST: Keyed = {
  input: { tenant: 'acme', customer: { id: 7, 'a/b~c': true }, list: ['x', 'y'] },
  labels: { tenant: 'umbrella', 'a.b': 'dotted' },
  client: 'ada',
};

function keyOf(text: string, request: Partial<Keyed> = {}): string | undefined {
  return KeyTemplate.parse(text).of({ ...REQUEST, ...request });
}

describe('A template of keys', () => {
  it.each([
    ['{input.tenant}', '["acme"]'],
    ['{input.customer.id}', '[7]'],
    ['{input.customer.a/b~c}', '[true]'],
    ['{input.list.1}', '["y"]'],
    ['{input.customer}', '[{"a/b~c":true,"id":7}]'],
    ['{labels.tenant}', '["umbrella"]'],
    ['{labels.a.b}', '["dotted"]'],
    ['of {client} for {{{input.tenant}}}', '["ada","acme"]'],
  ])('makes of %s the key %s', (text, key) => {
    expect(keyOf(text)).toBe(key);
  });

  it('makes the same key of the same values, in whichever order their members come', () => {
    expect(keyOf('{input}', { input: { a: 1, b: [2n ** 64n] } })).toBe(
      keyOf('{input}', { input: { b: [2n ** 64n], a: 1 } }),
    );
  });

  it('makes different keys of different values', () => {
    const keys = [
      { a: '1-2', b: '3' },
      { a: '1', b: '2-3' },
      { a: 1, b: '2-3' },
      { a: null, b: 'null' },
      { a: 'null', b: null },
    ].map((input) => keyOf('{input.a}-{input.b}', { input }));
    expect(new Set(keys).size).toBe(keys.length);
  });

  it('makes none where something is missing', () => {
    expect(keyOf('{input.constructor}')).toBeUndefined();
    expect(keyOf('{input.tenant}{labels.region}')).toBeUndefined();
    expect(keyOf('{labels.tenant}', { labels: undefined })).toBeUndefined();
    expect(keyOf('{client}', { client: undefined })).toBeUndefined();
    expect(keyOf('{input.x}', { input: null })).toBeUndefined();
  });

  it.each([
    ['', 'names nothing'],
    ['tenant', 'names nothing'],
    ['{{input}}', 'names nothing'],
    ['{input', 'has a "{" that is part of no name'],
    ['input}', 'has a "}" that is part of no name'],
    ['{}', 'has {}, which is nothing of a request'],
    ['{tenant}', 'has {tenant}, which is nothing of a request'],
    ['{labels}', 'has {labels}, which is nothing of a request'],
    ['{input.}', 'has {input.}, which is nothing of a request'],
    ['{input..a}', 'has {input..a}, which is nothing of a request'],
    ['{client.name}', 'has {client.name}, which is nothing of a request'],
  ])('is not %j', (text, mistake) => {
    expect(() => KeyTemplate.parse(text)).toThrow(mistake);
  });
});
