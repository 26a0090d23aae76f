import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { stringify } from 'safe-stable-stringify';
import type { IdempotencyKey, KeyedRun } from '../run/idempotency-key.js';
import { Journal } from '../run/journal.js';
import { DomainError } from '../core/domain-error.js';
import type { RunTerms } from '../run/run-terms.js';
import { repeatedHeaders } from './kept-headers.js';
import type { StartGate } from './start-gate.js';
import type { RunRequest } from './tasks.schemas.js';

/** An `Idempotency-Key` and the client that sent it. */
export type ClientKey = Pick<IdempotencyKey, 'client' | 'key'>;

/** A digest that stands for a key where a run's record keeps it. */
export function digestOf({ client, key }: ClientKey): string {
  return createHash('sha256')
    .update(JSON.stringify([client, key]))
    .digest('base64url')
    .slice(0, 22);
}

/** Lets requests with the same `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header) share one run. */
@Injectable()
export class IdempotentRuns {
  /** Keys that the journal is being asked about, or whose run is not recorded yet. */
  private readonly underWay = new Map<string, Promise<KeyedRun>>();

  constructor(private readonly journal: Journal) {}

  /**
   * Finds the run of a key's first use. Where there is none, starts the run of the terms with `start`.
   *
   * @param request the request that the terms were made from
   * @param start starts the run; resolves when the journal has the run and its key
   * @param gate the gate that the run passes before it starts
   * @throws {DomainError} `idempotency-key-reused` when the first use asked for something else; what `start` throws
   */
  async share(
    { client, key }: ClientKey,
    request: RunRequest,
    { id: runId, task, callerHeaders }: RunTerms,
    start: (key: IdempotencyKey) => Promise<unknown>,
    gate?: StartGate,
  ): Promise<{ readonly runId: string; readonly replayed: boolean }> {
    const headers = repeatedHeaders(callerHeaders);
    const asked = { task, request, ...(headers && { headers }) };
    const fingerprint = createHash('sha256').update(stringify(asked)).digest('base64url');
    const name = JSON.stringify([client, key]);
    let replayed = true;
    let keyed = this.underWay.get(name);
    if (!keyed) {
      const first = (claimed: IdempotencyKey): Promise<unknown> => {
        replayed = false;
        return start(claimed);
      };
      keyed = this.findOrStart(name, { client, key, fingerprint }, runId, first, gate);
      this.underWay.set(name, keyed);
    }
    const found = await keyed;
    if (found.fingerprint === fingerprint) return { runId: found.runId, replayed };
    throw new DomainError(
      'idempotency-key-reused',
      'The Idempotency-Key belongs to a request for another task, with another body, or with other headers of those that the task keeps',
      { runId: found.runId },
    );
  }

  private async findOrStart(
    name: string,
    key: IdempotencyKey,
    runId: string,
    start: (key: IdempotencyKey) => Promise<unknown>,
    gate: StartGate | undefined,
  ): Promise<KeyedRun> {
    let accepted: Promise<unknown> = Promise.resolve();
    try {
      const claim = this.journal.claimKey(key, runId);
      const keyed = await (gate ? gate.pass(claim) : claim);
      if (keyed.runId !== runId) return keyed;
      try {
        accepted = start(key);
      } catch (refusal) {
        await this.journal.sharing?.releaseKey(key, runId);
        throw refusal;
      }
      return keyed;
    } finally {
      const forget = () => this.underWay.delete(name);
      accepted.then(forget, forget);
    }
  }
}
