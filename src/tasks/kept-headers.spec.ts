import { describe, expect, test } from '@jest/globals';
import type { TaskDefinition } from '../core/task.js';
import { keptHeaders } from './kept-headers.js';

describe('the headers of a request that go to upstreams', () => {
  const task = { name: 't', callerHeaders: ['cookie', 'x-tenant'] } as unknown as TaskDefinition;
  const kept = (cookie: string) => keptHeaders(task, { cookie, 'x-tenant': 'a' }, {});

  test.each([
    'frontrunner=x',
    'a=1; frontrunner=x',
    '__Host-frontrunner=x',
    'a=1; __Secure-frontrunner=x; b=2',
  ])('have no cookies where one is a session at this service: %s', (cookie) => {
    expect(kept(cookie)).toEqual({ 'x-tenant': 'a' });
  });

  test.each(['a=1; b=2', 'my-frontrunner=x', 'a=frontrunner=x'])('have all other cookies: %s', (cookie) => {
    expect(kept(cookie)).toEqual({ cookie, 'x-tenant': 'a' });
  });
});
