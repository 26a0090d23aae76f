import { setTimeout as delay } from 'node:timers/promises';
import { bulkhead } from 'cockatiel';
import { DomainError } from '../../core/domain-error.js';
import type { IdempotencyKey, KeyedRun } from '../../run/idempotency-key.js';
import type { EventBus } from '../../events/event-bus.js';
import { asking } from './asking.js';
import type { ClockWatch } from '../clock-watch.js';
import type { PostgresStore } from './postgres-store.js';

/** How long a second request with a key waits for another node to start the run of the first, in milliseconds. */
const WAIT_MS = 15_000;
/** How many claims go to the database at once. A batch has a thousand, and other requests need connections too. */
const AT_ONCE = 8;

/** Claims idempotency keys for runs that this node is about to start. */
export class KeyClaims {
  /** How often a waiting request asks the database, in case it missed that the run has started, or that its node died before; ms. */
  static readonly pollMs: number = 250;
  private readonly atOnce = bulkhead(AT_ONCE, Infinity);

  /**
   * @param retentionMs how long keys are kept, in milliseconds
   * @param closing aborted when requests are to stop waiting
   */
  constructor(
    private readonly store: PostgresStore,
    private readonly bus: EventBus,
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
      // If this node was taken for dead meanwhile, its claim is void, and another node may have the key by now.
      if (keyed.runId === runId && id !== this.node.id) continue;
      if (keyed.isStarted || keyed.runId === runId) return keyed;
      if (performance.now() > until || this.closing.aborted)
        throw new DomainError('journal-unavailable', 'Another node is about to start the run of this key');
      await this.untilHeardOf(keyed.runId);
    }
  }

  /** Waits until this node hears that a run has started, but at most {@link KeyClaims.pollMs}. */
  private async untilHeardOf(runId: string): Promise<void> {
    const heard = new AbortController();
    const hear = (): void => {
      heard.abort();
    };
    const unwatch = this.bus.watch(runId, hear);
    const signal = AbortSignal.any([this.closing, heard.signal]);
    const pause = delay(KeyClaims.pollMs, undefined, { signal }).catch(() => undefined);
    try {
      // The run may have started before this node listened.
      if (await this.atOnce.execute(() => asking(() => this.store.hasRun(runId)))) hear();
      await pause;
    } finally {
      unwatch();
      hear();
    }
  }
}
