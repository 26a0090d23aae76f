import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { configure } from 'safe-stable-stringify';
import { Journal, type IdempotencyKey, type KeyedRun } from '../journal/journal.js';
import { DomainError } from './domain-error.js';
import type { RunRequest } from './tasks.schemas.js';

/** An `Idempotency-Key` and whose it is. */
export type ClientKey = Pick<IdempotencyKey, 'client' | 'key'>;

interface Started {
  readonly runId: string;
  /** Resolves when the journal has the run, and its key with it. */
  readonly accepted: Promise<void>;
}

const stringify = configure({ bigint: false });

/** Lets requests with the same `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header) share one run. */
@Injectable()
export class IdempotentRuns {
  /** Keys of which the journal is asked, or whose run it doesn't have yet. */
  private readonly underWay = new Map<string, Promise<KeyedRun>>();

  constructor(private readonly journal: Journal) {}

  /**
   * The run of a key: that of its first use, or the one that `start` starts.
   *
   * @throws {DomainError} `idempotency-key-reused` when the first use asked for something else; what `start` throws
   */
  async share(
    { client, key }: ClientKey,
    asked: { readonly task: string; readonly request: RunRequest },
    start: (key: IdempotencyKey) => Started,
  ): Promise<{ readonly runId: string; readonly replayed: boolean }> {
    const fingerprint = createHash('sha256').update(stringify(asked)).digest('base64url');
    const name = JSON.stringify([client, key]);
    let replayed = true;
    let keyed = this.underWay.get(name);
    if (!keyed) {
      keyed = this.findOrStart(name, { client, key, fingerprint }, (wanted) => {
        replayed = false;
        return start(wanted);
      });
      this.underWay.set(name, keyed);
    }
    const found = await keyed;
    if (found.fingerprint === fingerprint) return { runId: found.runId, replayed };
    throw new DomainError(
      'idempotency-key-reused',
      'The Idempotency-Key belongs to a request for another task or with another body',
      { runId: found.runId },
    );
  }

  private async findOrStart(
    name: string,
    key: IdempotencyKey,
    start: (key: IdempotencyKey) => Started,
  ): Promise<KeyedRun> {
    let accepted = Promise.resolve();
    try {
      const found = await this.journal.runOfKey(key.client, key.key);
      if (found) return found;
      const started = start(key);
      accepted = started.accepted;
      return { runId: started.runId, fingerprint: key.fingerprint };
    } finally {
      void accepted.then(() => this.underWay.delete(name));
    }
  }
}
