import { describe, expect, test } from '@jest/globals';
import { isListed, webhookUrlMistake } from './webhook-origins.js';

describe('webhookUrlMistake', () => {
  const anyPublic = { isPublic: true, origins: ['http://10.0.0.1:4000'] };

  test.each(['https://hooks.example.com/a?b=c', 'https://8.8.8.8', 'https://[2606:4700::1111]:8443/'])(
    'allows %s by default',
    (url) => {
      expect(webhookUrlMistake(url, anyPublic)).toBeUndefined();
    },
  );

  test('allows an origin that is named, whatever its scheme and address', () => {
    expect(webhookUrlMistake('http://10.0.0.1:4000/hook', anyPublic)).toBeUndefined();
    expect(isListed('http://10.0.0.1:4000/hook', anyPublic)).toBe(true);
    expect(isListed('https://10.0.0.1:4000/hook', anyPublic)).toBe(false);
  });

  test.each([
    ['http://hooks.example.com', 'takes https'],
    ['http://10.0.0.1:4001/hook', 'takes https'],
    ['https://10.0.0.1:4000/hook', 'not on the public internet'],
    ['https://localhost/', 'not on the public internet'],
    ['https://a.localhost./', 'not on the public internet'],
    ['https://127.1/', 'not on the public internet'],
    ['https://169.254.169.254/latest/meta-data', 'not on the public internet'],
    ['https://[::1]/', 'not on the public internet'],
    ['https://[::ffff:10.0.0.1]/', 'not on the public internet'],
  ])('refuses %s, and says what would allow it', (url, why) => {
    const mistake = webhookUrlMistake(url, anyPublic);
    expect(mistake).toContain(why);
    expect(mistake).toContain(`WEBHOOK_ORIGINS=${new URL(url).origin}`);
  });

  test('refuses all but named origins where public is not among them', () => {
    const named = { isPublic: false, origins: ['https://hooks.example.com'] };
    expect(webhookUrlMistake('https://hooks.example.com/a', named)).toBeUndefined();
    expect(webhookUrlMistake('https://other.example.com/a', named)).toContain('may not be sent to');
  });
});
