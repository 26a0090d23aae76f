import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { EVENT_TYPES } from '../../src/core/event-types.js';
import { TestApp } from '../support/test-app.js';
import { run } from './programs.js';

interface Story {
  readonly replayed: string;
  /** The status and the ETag of each answer to a poll. */
  readonly polls: readonly string[];
  readonly outcome: string;
  readonly known: number;
  readonly refused: readonly unknown[];
}

interface Seen {
  /** The id and the type of each message. */
  readonly messages: readonly string[];
  readonly errors: readonly string[];
}

interface Watched {
  readonly id: string;
  readonly run: Seen;
  readonly all: Seen;
}

describe('clients from npm', () => {
  let service: TestApp;
  beforeAll(async () => {
    service = await TestApp.start({ env: { DEMO_TIME_SCALE: '0.1' } });
  });
  afterAll(() => service.close());

  /** Lets a program tell what its clients have seen. */
  async function told<T>(program: string, ...args: string[]): Promise<Record<string, T>> {
    return JSON.parse(await run(program, service.url, ...args)) as Record<string, T>;
  }

  test('send a request whose answer is lost again, wait for changes without asking twice, and tell of problems', async () => {
    const lost = new Set<string>();
    service.server.prependListener('request', ({ headers }, response) => {
      const key = headers['idempotency-key'];
      if (typeof key !== 'string' || lost.has(key)) return;
      lost.add(key);
      response.end = () => response.destroy();
    });
    const stories = await told<Story>('http.mjs');
    const names = ['fetch', 'undici', 'axios', 'got', 'ky'];
    expect(Object.keys(stories)).toEqual(names);
    expect(service.runsStarted).toBe(names.length);
    expect(lost.size).toBe(names.length);
    for (const [client, story] of Object.entries(stories)) {
      expect({ client, ...story }).toEqual({
        client,
        replayed: 'true',
        polls: expect.arrayContaining([expect.stringMatching(/^200 W\/"\d+"$/)]),
        outcome: 'succeeded',
        known: 304,
        refused: [400, '/problems/invalid-request', '/losers'],
      });
      // A poll that was answered with what the client had would be there twice.
      expect({ client, polls: [...new Set(story.polls)] }).toEqual({ client, polls: story.polls });
    }
  });

  test('read event streams to their end, without an empty message and without connecting again', async () => {
    const asked: string[] = [];
    service.server.prependListener('request', ({ url = '' }) => asked.push(url));
    const stories = await told<Watched>('streams.mjs', EVENT_TYPES.join());
    expect(Object.keys(stories)).toEqual([
      'eventsource',
      'undici',
      'launchdarkly-eventsource',
      'eventsource-client',
      '@microsoft/fetch-event-source',
      '@fortaine/fetch-event-source',
      '@ai-zen/node-fetch-event-source',
    ]);
    for (const [client, { id, ...story }] of Object.entries(stories)) {
      const events = service.events.filter(({ runId }) => runId === id);
      const messages = events.map((event) => `${event.id} ${event.type}`);
      expect({ client, ...story }).toEqual({
        client,
        run: { messages, errors: [] },
        all: { messages: [expect.stringMatching(/^\d+ cursor$/), messages.at(-1)], errors: [] },
      });
      expect(asked.filter((url) => url === `/runs/${id}/events`)).toHaveLength(1);
    }
    expect(asked.filter((url) => url.startsWith('/events'))).toHaveLength(Object.keys(stories).length);
  });
});
