import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import type { Client } from './client.js';
import { ServiceError } from './service-error.js';

const LEAST_PAUSE_MS = 100;
const PAUSE_MS = 1_000;
const MOST_PAUSE_MS = 60_000;

/** A started run has an id, whether it has been answered or not. */
export const startedSchema = z.object({ id: z.string() });

interface Awaited {
  readonly signal: AbortSignal;
  /** Called with each further reason for asking again. */
  readonly lost: (reason: string) => void;
  /** Called with the id of the run as soon as it is known. */
  readonly started: (id: string) => void;
}

/**
 * Starts a run and waits for its answer. Asks again when the connection is cut, or when the service is away for a while: `send` uses one
 * idempotency key, so all its requests are for one run.
 *
 * @returns the answer as JSON; undefined after the signal
 * @throws {ServiceError} when the first request isn't answered, or when a later answer shows that asking again is useless
 */
export async function awaitAnswer(
  client: Client,
  send: (prefer: string) => Promise<Response>,
  { signal, lost, started }: Awaited,
): Promise<string | undefined> {
  const isOver = () => signal.aborted;
  let known = false;
  let told: string | undefined;
  while (!isOver()) {
    const from = performance.now();
    let retryAfter: string | null | undefined;
    try {
      // The id is asked for first, so that it is known whatever happens. Later requests don't wait for long: fetch gives up after five
      // minutes.
      const response = await send(known ? 'wait=60' : 'respond-async');
      const { value, text } = await client.read(response, startedSchema);
      if (response.status !== 202) return text;
      told = undefined;
      if (!known) {
        known = true;
        started(value.id);
        continue;
      }
      retryAfter = response.headers.get('Retry-After');
    } catch (error) {
      if (isOver()) return undefined;
      if (!(known && error instanceof ServiceError && error.passes)) throw error;
      if (told !== error.message) lost(error.message);
      told = error.message;
      retryAfter = error.retryAfter;
    }
    await delay(pauseMs(retryAfter, performance.now() - from), undefined, { signal }).catch(() => undefined);
  }
  return undefined;
}

/** How long to wait before sending a request again, in milliseconds. @param tookMs how long the answer to the last one took */
export function pauseMs(retryAfter: string | null | undefined, tookMs: number): number {
  const askedMs = retryAfter && /^\d+$/.test(retryAfter) ? Number(retryAfter) * 1_000 : PAUSE_MS;
  return Math.max(0, Math.min(Math.max(askedMs, LEAST_PAUSE_MS), MOST_PAUSE_MS) - tookMs);
}
