import { describe, expect, test } from '@jest/globals';
import { YamlSource } from './yaml-source.js';

describe('an alias', () => {
  test('stands for the anchor of its name that is last before it, also after a block that holds another is repeated', () => {
    const { mistakes, value } = new YamlSource(
      'tasks.yaml',
      `first: &block { url: &url one }
second: &url two
again: *block
third: &block { url: three }
alias: *url
merge: { <<: *block }
`,
    );
    expect(mistakes).toEqual([]);
    expect(value).toMatchObject({ again: { url: 'one' }, alias: 'two', merge: { url: 'three' } });
  });
});
