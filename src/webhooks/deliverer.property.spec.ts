import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { EventType } from '../core/events.js';
import type { WebhookTarget } from '../core/webhook.schema.js';
import { WebhookStand, type Answer, type TestNode } from '../../test/support/webhook-node.js';

const URLS = ['https://a.test/', 'https://b.test/', 'https://c.test/x?key=1'] as const;
const TYPES: readonly EventType[] = ['sub-task.started', 'sub-task.succeeded', 'run.replied', 'run.finished'];

const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant('run'), urls: fc.subarray([0, 1, 2, 1, 0], { maxLength: 3 }) }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('advance'), ms: fc.integer({ min: 1, max: 20_000 }) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('kill'), calls: fc.integer({ min: 0, max: 12 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('stop') }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('pause') }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('resume') }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('outage'), calls: fc.integer({ min: 1, max: 5 }) }) },
);

const answers = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: fc.constant<Answer>('ok') },
    {
      weight: 3,
      arbitrary: fc.constantFrom<Answer>(500, 'lost', 'hang', { status: 429, retryAfterMs: 30_000 }),
    },
  ),
  { minLength: 1, maxLength: 60 },
);

/** Calls of the keeping that are left before the node dies, or that fail; undefined for no end. */
class Fate {
  left: number | undefined;
  failing = 0;
  node: TestNode | undefined;

  /** Kills the node, if it lives yet. */
  strike(): void {
    if (this.left !== undefined) this.node?.kill();
    this.left = undefined;
  }

  /** Half of the calls that are the last are carried out, and nobody is told. */
  over<T extends object>(keeping: T): T {
    return new Proxy(keeping, {
      get:
        (target, key) =>
        (...terms: unknown[]) => {
          const name = key as keyof T;
          const call = () => (target[name] as (...terms: unknown[]) => unknown).apply(target, terms);
          if (name === 'onChange') return call();
          if (this.failing > 0) {
            this.failing -= 1;
            return Promise.reject(new Error('journal-unavailable'));
          }
          if (this.left === undefined || this.left > 0) {
            if (this.left !== undefined) this.left -= 1;
            return call();
          }
          if (terms.length % 2 === 0) void call();
          this.node?.kill();
          this.left = undefined;
          return new Promise(() => undefined);
        },
    });
  }
}

test('whatever fails, each event is received at least once, in order within its run, and without kills delivered once', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), answers, async (steps, script) => {
      const stand = new WebhookStand();
      const fate = new Fate();
      const keeping = fate.over(stand.keeping);
      let asked = 0;
      let isHealed = false;
      let kills = 0;
      stand.answerOf = () => (isHealed ? 'ok' : (script[asked++ % script.length] ?? 'ok'));
      stand.delayOf = () => (asked % 3) * 40;
      const retry = { attempts: 100, delay: '1s', maxDelay: '1m' } as const;
      await stand.subscribe('one', { retry, events: [...TYPES] as never });
      await stand.addOfRuns();
      const own = new Map<string, readonly WebhookTarget[]>();
      const start = async () => {
        fate.node = await stand.node(keeping);
      };
      const change = async (paused: 'request' | null) => {
        const kept = await stand.keeping.get('one');
        if (kept) await stand.keeping.change('one', kept.revision, { terms: kept.terms, paused });
      };
      await start();
      for (const one of steps) {
        if ('urls' in one) {
          const webhooks = one.urls.map((at) => ({
            url: URLS[at] ?? '',
            secrets: [],
            retry,
            events: TYPES as never,
          }));
          const runId = await stand.run(TYPES, webhooks.length > 0 ? webhooks : undefined);
          own.set(runId, webhooks);
        } else if ('ms' in one) await stand.advance(one.ms);
        else if (one.kind === 'kill') {
          fate.left = 'calls' in one ? one.calls : 0;
          await stand.advance(500);
          fate.strike();
          kills += 1;
          await start();
        } else if (one.kind === 'stop') {
          fate.failing = 0;
          await fate.node?.stop();
          await start();
        } else if (one.kind === 'outage') fate.failing = 'calls' in one ? one.calls : 0;
        else await change(one.kind === 'pause' ? 'request' : null);
      }
      isHealed = true;
      fate.failing = 0;
      await change(null);
      await stand.quiet(60_000);
      fate.node?.kill();

      expect(await stand.rows('dead')).toEqual([]);
      const cursors = (await stand.keeping.list()).map(({ cursor }) => cursor);
      expect(cursors).toEqual([stand.journal.lastEventId, stand.journal.lastEventId]);
      for (const [index, runId] of stand.runIds.entries()) {
        const first = index * 5 + 1;
        const events = [1, 2, 3, 4].map((behind) => first + behind);
        const urls = ['https://one.test/', ...(own.get(runId) ?? []).map(({ url }) => url)];
        for (const url of new Set(urls)) {
          const received = stand.received.filter((one) => one.runId === runId && one.url === url);
          expect([...new Set(received.map(({ event }) => event))]).toEqual(events);
          const oks = received.filter(({ answer }) => answer === 'ok').map(({ event }) => event);
          const targets = urls.filter((one) => one === url).length;
          for (const event of events) {
            const count = oks.filter((one) => one === event).length;
            expect(count).toBeGreaterThanOrEqual(targets);
            // What a node had read again and delivered when it was killed itself, and once more as a row.
            expect(count).toBeLessThanOrEqual(targets * (1 + 2 * kills));
          }
        }
      }
    }),
    { numRuns: Number(process.env.FUZZ_RUNS ?? 40), endOnFailure: true },
  );
}, 60_000);
