import type { Lap } from '../support/generator-protocol.ts';
import type { Received } from '../support/receivers-protocol.ts';

/** Deliveries a second. */
export const RATE = 1000;

/** Webhooks in the turns with a dead one among them. */
export const ENDPOINTS = 100;

/** Events of a run of the demo that a webhook is told of unless it says otherwise: run.replied and run.finished. */
export const EVENTS_OF_RUN = 2;

/** No webhook; one of the API; one that each run has of its own. */
export const KINDS = ['none', 'of the API', 'of each run'] as const;

export type Kind = (typeof KINDS)[number];

/** What becomes of one webhook in a hundred. */
export const FATES = ['answers', 'refuses', 'hangs'] as const;

export type Fate = (typeof FATES)[number];

/** A turn of steady load. */
export interface WebhooksTurn<Variant> {
  readonly round: number;
  readonly variant: Variant;
  readonly lap: Lap;
  readonly received: Received;
  /** Microseconds of CPU, of all the server's threads. */
  readonly cpuPerRun: number;
}

/** How a webhook caught up with what had come up while the service was down. */
export interface CatchUp {
  /** Of all types, or of the two that a webhook is told of unless it says otherwise. */
  readonly types: 'all' | 'two';
  readonly events: number;
  readonly received: Received;
  /** From ready to the last delivery. */
  readonly seconds: number;
  readonly cpuMicroseconds: number;
  readonly peakBytes: number;
}

export interface Measured {
  readonly load: readonly WebhooksTurn<Kind>[];
  readonly endpoints: readonly WebhooksTurn<Fate>[];
  readonly catchUps: readonly CatchUp[];
}
