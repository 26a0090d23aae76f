import { setTimeout as sleep } from 'node:timers/promises';
import type { Cluster } from './cluster.ts';

const PAUSE_MS = 400;

/** Looks at the cursors of webhooks again and again: whoever has lost a webhook must not move its cursor back. */
export class CursorWatch {
  readonly violations: string[] = [];
  readonly #cluster: Cluster;
  readonly #closing = new AbortController();
  readonly #life: Promise<void>;
  readonly #cursors = new Map<string, number>();

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
    this.#life = this.#live();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#life;
  }

  async #live(): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      // There is no Postgres for a while.
      await this.#look().catch(() => undefined);
      await sleep(PAUSE_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  async #look(): Promise<void> {
    const rows = await this.#cluster.rows<{ id: string; cursor: number }>('SELECT id, cursor FROM webhooks');
    for (const { id, cursor } of rows) {
      const before = this.#cursors.get(id) ?? 0;
      if (cursor < before)
        this.violations.push(
          `The cursor of the webhook ${id} went back from event ${String(before)} to event ${String(cursor)}`,
        );
      this.#cursors.set(id, cursor);
    }
  }
}
