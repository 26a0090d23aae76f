import { describe, expect, test } from '@jest/globals';
import { Secrets } from './secrets.js';

describe('Secrets', () => {
  test.each([
    ['as it is', 'key=pa"ss word;', 'key=[redacted];'],
    ['within JSON', '{"k":"pa\\"ss word"}', '{"k":"[redacted]"}'],
    ['percent-encoded', 'k=pa%22ss%20word&', 'k=[redacted]&'],
    ['cut off by the end', 'the key is pa"ss w', 'the key is [redacted]'],
    ['twice', 'pa"ss wordpa"ss word', '[redacted][redacted]'],
  ])('are taken out %s', (_how, text, clean) => {
    expect(new Secrets(['pa"ss word']).redact(text)).toBe(clean);
  });

  test('are taken out although one stands in the other', () => {
    expect(new Secrets(['token', 'token-and-more']).redact('token-and-more, token.')).toBe(
      '[redacted], [redacted].',
    );
  });

  test('that are too short to be any leave texts as they are', () => {
    expect(new Secrets(['eu', '', '123']).redact('the 123 of europe')).toBe('the 123 of europe');
  });
});
