import { setTimeout as delay } from 'node:timers/promises';
import { bulkhead } from 'cockatiel';
import { DomainError } from '../../core/domain-error.js';
import type { IdempotencyKey, KeyedRun } from '../../run/idempotency-key.js';
import { asking } from './asking.js';
import type { ClockWatch } from '../clock-watch.js';
import type { PostgresStore } from './postgres-store.js';

/** How often, and how long, a second request with a key asks whether the first has started its run at another node. */
const POLL_MS = 25;
const WAIT_MS = 15_000;
/** How many keys are asked for at once: a batch has a thousand, and leaves connections for others. */
const AT_ONCE = 8;

/** Claims idempotency keys for runs that this node is about to start. */
export class KeyClaims {
  private readonly atOnce = bulkhead(AT_ONCE, Infinity);

  /**
   * @param retentionMs how long keys are kept, in milliseconds
   * @param closing aborted when nobody is to wait any more
   */
  constructor(
    private readonly store: PostgresStore,
    private readonly node: { readonly id: string },
    private readonly clock: ClockWatch,
    private readonly retentionMs: number,
    private readonly closing: AbortSignal,
  ) {}

  /** @throws {DomainError} `journal-unavailable`; for the rest see the journal */
  async claim(key: IdempotencyKey, runId: string): Promise<KeyedRun> {
    const until = performance.now() + WAIT_MS;
    for (;;) {
      const now = this.clock.now();
      const after = this.clock.before(this.retentionMs);
      const { id } = this.node;
      const keyed = await this.atOnce.execute(() =>
        asking(() => this.store.claimKey(key, runId, id, after, now)),
      );
      // The claim of a node that was taken for dead meanwhile is void, and another node may have the key by now.
      if (keyed.runId === runId && id !== this.node.id) continue;
      if (keyed.isStarted || keyed.runId === runId) return keyed;
      if (performance.now() > until || this.closing.aborted)
        throw new DomainError('journal-unavailable', 'Another node is about to start the run of this key');
      await delay(POLL_MS, undefined, { signal: this.closing }).catch(() => undefined);
    }
  }

  async release(key: IdempotencyKey, runId: string): Promise<void> {
    // A claim that stays is this node's, which may claim it again.
    await this.store.releaseKey(key, runId).catch(() => undefined);
  }
}
