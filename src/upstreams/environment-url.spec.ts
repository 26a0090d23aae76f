import { describe, expect, test } from '@jest/globals';
import { writtenUrl } from './environment-url.js';

describe('a URL as people are shown it', () => {
  test.each([
    ['https://eu.example.com/v1/{city}?key=abc', 'https://eu.example.com/v1/{city}'],
    ['https://ada:secret@eu.example.com:8443/v1{?city}', 'https://eu.example.com:8443/v1'],
    ['https://eu.example.com', 'https://eu.example.com/'],
    ['${WEATHER_URL}/v1/${TENANT}/{city}', '${WEATHER_URL}/v1/${TENANT}/{city}'],
    ['https://${REGION}.example.com/v1', 'https://${REGION}.example.com/v1'],
  ])('of %s has neither query nor credentials, and names variables', (written, shown) => {
    expect(writtenUrl(written)).toBe(shown);
  });
});
