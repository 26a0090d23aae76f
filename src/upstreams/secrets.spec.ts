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

  test.each([
    ['JSON of PHP', String.raw`{"k":"ab\/c+d&e="}`, '{"k":"[redacted]"}'],
    ['JSON of .NET', String.raw`{"k":"ab/c\u002Bd\u0026e="}`, '{"k":"[redacted]"}'],
    ['JSON of Go', String.raw`{"k":"ab/c+d\u0026e="}`, '{"k":"[redacted]"}'],
    ['lower-case percent-encoding', 'k=ab%2fc%2bd%26e%3d', 'k=[redacted]'],
  ])('are taken out within %s', (_how, text, clean) => {
    expect(new Secrets(['ab/c+d&e=']).redact(text)).toBe(clean);
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
