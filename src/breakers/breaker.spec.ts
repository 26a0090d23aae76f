import { beforeEach, describe, expect, test } from '@jest/globals';
import { breakerTerms, type BreakerOptions, type BreakerTerms } from '../core/breaker.js';
import type { AttemptError } from '../core/run.js';
import type { Passage } from '../run/breakers.js';
import { FakeClock } from '../testing/fake-clock.js';
import { Breaker } from './breaker.js';

const SICK: AttemptError = { code: 'upstream-status', message: '', upstream: { status: 500, excerpt: '' } };
const status = (code: number): AttemptError => ({ ...SICK, upstream: { status: code, excerpt: '' } });

describe('a breaker', () => {
  let clock: FakeClock;
  let changes: string[];
  let breaker: Breaker;
  beforeEach(() => {
    clock = new FakeClock();
    changes = [];
    breaker = new Breaker(
      'eu',
      clock,
      () => clock.now(),
      (_breaker, change) => changes.push(change),
    );
  });

  const terms = (options: BreakerOptions = {}): BreakerTerms => breakerTerms({ least: 4, ...options })!;
  const pass = (ms: number) => clock.advance(ms, () => Promise.resolve());
  const admit = (own = terms()): Passage => {
    const passage = breaker.admit(own);
    if ('code' in passage) throw new Error(passage.message);
    return passage;
  };
  const fail = (times = 1, own = terms()) => {
    for (let n = 0; n < times; n += 1) admit(own).failed(SICK);
  };
  const succeed = (times = 1, own = terms()) => {
    for (let n = 0; n < times; n += 1) admit(own).succeeded();
  };

  test('opens when its share of the attempts of the window has failed, and of as many as it takes at least', async () => {
    succeed(2);
    fail(1);
    expect(breaker.state).toBe('closed');
    fail(1);
    expect(breaker.state).toBe('open');
    expect(breaker.standing).toMatchObject({ forMs: 5_000, reason: '2 of 4 attempts within 30s failed' });
    expect(changes).toEqual(['opened']);
  });

  test('stays closed below the share, and below the least', () => {
    fail(3);
    expect(breaker.state).toBe('closed');
    breaker.close();
    succeed(5);
    fail(1);
    expect(breaker.state).toBe('closed');
  });

  test('forgets attempts that are older than the window, however few came since', async () => {
    fail(3);
    await pass(30_000);
    fail(1);
    expect(breaker.state).toBe('closed');
    expect(breaker.counts(30_000)).toEqual({ attempts: 1, failed: 1, slow: 0 });
  });

  test('lets no attempt begin while it is open, and says until when and why', async () => {
    fail(4);
    await pass(1_500);
    expect(breaker.admit(terms())).toEqual({
      code: 'circuit-open',
      message: 'The breaker of eu is open for another 3500 ms; 4 of 4 attempts within 30s failed',
      retryAt: new Date(clock.now() + 3_500).toISOString(),
    });
  });

  test('lets one attempt probe behind the cooldown, and closes when that succeeds', async () => {
    fail(4);
    await pass(5_000);
    expect(breaker.state).toBe('half-open');
    const probe = admit();
    expect(breaker.admit(terms())).toEqual({
      code: 'circuit-open',
      message: 'The breaker of eu is half-open: another attempt probes it; 4 of 4 attempts within 30s failed',
    });
    probe.succeeded();
    expect(breaker.state).toBe('closed');
    expect(changes).toEqual(['opened', 'probes', 'closed']);
    fail(3);
    expect(breaker.state).toBe('closed');
  });

  test('is open for twice as long after each probe that fails, up to the bound', async () => {
    const own = terms({ maxCooldown: '15s' });
    fail(4, own);
    for (const waitMs of [5_000, 10_000, 15_000, 15_000]) {
      expect(breaker.waitMs).toBe(waitMs);
      await pass(waitMs);
      fail(1, own);
    }
    expect(breaker.opened).toBe(5);
    await pass(15_000);
    succeed(1, own);
    fail(4, own);
    expect(breaker.waitMs).toBe(5_000);
  });

  test('lets another attempt probe when the probe was cancelled, or says nothing of its upstream', async () => {
    fail(4);
    await pass(5_000);
    admit().cancelled();
    admit().failed({ code: 'upstream-forbidden', message: '' });
    expect(breaker.state).toBe('half-open');
    succeed(1);
    expect(breaker.state).toBe('closed');
  });

  test('counts nothing that began before it opened or closed', async () => {
    const before = Array.from({ length: 4 }, () => admit());
    fail(4);
    before[0]?.succeeded();
    expect(breaker.state).toBe('open');
    await pass(5_000);
    before[1]?.succeeded();
    expect(breaker.state).toBe('half-open');
    succeed(1);
    for (const old of before.slice(2)) old.failed(SICK);
    expect(breaker.counts(30_000).attempts).toBe(0);
  });

  test('opens for slowness, also of attempts that were cancelled when they had taken too long', async () => {
    const own = terms({ slow: '1s', slowShare: '75%' });
    const slow = Array.from({ length: 3 }, () => admit(own));
    const fast = Array.from({ length: 2 }, () => admit(own));
    fast[0]?.cancelled();
    await pass(1_001);
    fast[1]?.succeeded(20);
    slow[0]?.succeeded();
    slow[1]?.cancelled();
    expect(breaker.state).toBe('closed');
    slow[2]?.cancelled();
    expect(breaker.standing?.reason).toBe('3 of 4 attempts within 30s took longer than 1s');
    await pass(5_000);
    const probe = admit(own);
    await pass(1_001);
    probe.succeeded();
    expect(breaker.waitMs).toBe(10_000);
  });

  test('counts what the upstream is to blame for alone', () => {
    for (const error of [status(404), status(400), { code: 'result-unfit', message: '' } as const])
      for (let n = 0; n < 4; n += 1) admit().failed(error);
    admit().failed({ code: 'threw', message: '', final: true });
    expect(breaker.counts(30_000)).toEqual({ attempts: 12, failed: 0, slow: 0 });
    for (const error of [status(429), status(503), { code: 'timeout', message: '' } as const])
      admit().failed(error);
    expect(breaker.counts(30_000)).toEqual({ attempts: 15, failed: 3, slow: 0 });
  });

  test('leaves alone at once what asks for that, for as long, up to the bound', async () => {
    expect(admit().failed(status(429), 20_000)).toBe(20_000);
    expect(breaker.state).toBe('open');
    await pass(20_000);
    expect(admit().failed(status(503), 3_600_000)).toBe(60_000);
    expect(breaker.opened).toBe(2);
  });

  test('takes no other Retry-After for a wish to be left alone', () => {
    expect(admit().failed(status(500), 20_000)).toBe(0);
    expect(breaker.state).toBe('closed');
  });

  test('goes on where another process has left it, for no longer than that meant', async () => {
    fail(4);
    const other = new Breaker(
      'eu',
      clock,
      () => clock.now() - 3_600_000,
      () => undefined,
    );
    other.adopt(breaker.standing);
    expect(other.waitMs).toBe(5_000);
    const late = new Breaker(
      'eu',
      clock,
      () => clock.now() + 60_000,
      () => undefined,
    );
    late.adopt(breaker.standing);
    expect(late.state).toBe('half-open');
  });
});
