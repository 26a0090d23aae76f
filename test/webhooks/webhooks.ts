import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RunEvent } from '../../src/core/events.js';
import { count, type LogDatabase } from '../crash/log-proof.ts';
import { figure } from '../crash/report.ts';
import type { Random } from '../crash/random.ts';
import {
  deliveryName,
  proveDeliveries,
  undelivered,
  type Deliveries,
  type Registration,
} from './deliveries-proof.ts';
import { Receivers } from './receivers.ts';
import { loggedEvent, registrationsOf, startsOf, tokenOf, type Start } from './registrations.ts';
import { RunWebhooks, type Extras } from './run-webhooks.ts';
import { Subscriptions, type Ask, type LogEnd } from './subscriptions.ts';

const PAUSE_MS = 200;

/** A run that a caller was told of, and what it asked for beside. */
export interface Registered {
  readonly runId: string;
  readonly extras: Extras;
}

export interface WebhooksProof {
  readonly violations: readonly string[];
  /** For people. */
  readonly summary: string;
}

interface DeliveryPage {
  readonly deliveries: readonly { readonly runId: string; readonly event: number; readonly target: number }[];
  readonly next: string | null;
}

/** Webhooks of all kinds and their receivers, which a harness proves beside the runs. */
export class Webhooks {
  readonly receivers: Receivers;
  readonly ofRuns: RunWebhooks;
  readonly subscriptions: Subscriptions;

  private constructor(receivers: Receivers, logEnd: () => Promise<LogEnd>) {
    this.receivers = receivers;
    this.ofRuns = new RunWebhooks(receivers);
    this.subscriptions = new Subscriptions(receivers, logEnd);
  }

  static async start(random: Random, logEnd: () => Promise<LogEnd>): Promise<Webhooks> {
    return new Webhooks(await Receivers.start(random), logEnd);
  }

  /**
   * Waits until all is delivered, and says what isn’t by the end of patience, or is wrong. The service is at rest but for its deliveries.
   *
   * @param url of a node
   */
  async prove(
    url: string,
    database: LogDatabase,
    told: readonly Registered[],
    mayRepeat: Deliveries['mayRepeat'],
    patienceMs: number,
  ): Promise<WebhooksProof> {
    await this.receivers.heal();
    const { receivers, subscriptions } = this;
    const { receptions } = receivers;
    const starts = await startsOf(database);
    const log = [];
    for await (const events of pagesOf(url)) log.push(...events.map(loggedEvent));
    const registrations = registrationsOf(log, starts, subscriptions.all);
    const until = performance.now() + patienceMs;
    let dead: ReadonlySet<string>;
    let missing: string[];
    let left: string[];
    do {
      await this.subscriptions.mend(askAt(url));
      await sleep(PAUSE_MS);
      dead = await deadOf(url, starts);
      missing = undelivered({ registrations, receptions, dead });
      left = await leftAt(url);
    } while (missing.length + left.length > 0 && performance.now() < until);
    const violations = [
      ...missing,
      ...left,
      ...receivers.violations,
      ...subscriptions.surprises,
      ...proveRegistered(told, starts),
      ...proveDeliveries({ registrations, receptions, dead, mayRepeat }),
    ];
    return { violations, summary: this.#summary(registrations, dead) };
  }

  /** Writes what came to a file in a directory. */
  dump(directory: string): void {
    const lines = this.receivers.receptions.map((reception) => `${JSON.stringify(reception)}\n`);
    writeFileSync(join(directory, 'receptions.jsonl'), lines.join(''));
  }

  close(): Promise<void> {
    return this.receivers.close();
  }

  #summary(registrations: readonly Registration[], dead: ReadonlySet<string>): string {
    const { receptions, tests } = this.receivers;
    const { paused, rotated, redriven } = this.subscriptions.figures;
    const events = new Set(receptions.map(({ token, id }) => deliveryName(token, id))).size;
    return [
      `${figure(events)} events came to ${figure(registrations.length)} webhooks, ${figure(this.subscriptions.all.length)} of them of the API, ` +
        `signed and in order a run, in ${figure(receptions.length)} deliveries`,
      `${figure(dead.size)} are dead letters of receivers that fail for ever`,
      `webhooks were paused ${figure(paused)} times, their secrets rotated ${figure(rotated)} times, ${figure(redriven)} dead letters redriven, ${figure(tests)} tests sent`,
    ].join('; ');
  }
}

/** Runs whose callers were told that they go on, and that are recorded without the webhooks that were asked for. */
function proveRegistered(told: readonly Registered[], starts: ReadonlyMap<string, Start>): string[] {
  return told.flatMap(({ runId, extras }) => {
    const asked = (extras.body.webhooks ?? []).map(({ url }) => url);
    const recorded = (starts.get(runId)?.webhooks ?? []).map(({ url }) => url);
    return asked.every((url) => recorded.includes(url))
      ? []
      : [
          `The run ${runId} has the webhooks ${recorded.join(', ')}, not those of its request, ${asked.join(', ')}`,
        ];
  });
}

/** Asks a service as long as it is there. */
export function askAt(url: string): Ask {
  return async (path, init) => {
    try {
      const response = await fetch(`${url}${path}`, init);
      return { status: response.status, body: await response.json() };
    } catch {
      return undefined;
    }
  };
}

/** All events as the API shows them. */
export async function* pagesOf(url: string): AsyncIterable<RunEvent[]> {
  for (let after = 0; ;) {
    const response = await fetch(`${url}/events?after=${String(after)}&limit=1000`);
    const { events, next } = (await response.json()) as { events: RunEvent[]; next: number };
    if (next === after) return;
    after = next;
    yield events;
  }
}

/** Dead letters of webhooks that runs have of their own, as the API shows them. */
async function deadOf(url: string, starts: ReadonlyMap<string, Start>): Promise<ReadonlySet<string>> {
  const dead = new Set<string>();
  for (const { runId, event, target } of await deliveriesOf(url, 'dead')) {
    const webhook = starts.get(runId)?.webhooks?.[target];
    dead.add(
      deliveryName(webhook ? tokenOf(webhook.url) : `target ${String(target)} of the run ${runId}`, event),
    );
  }
  return dead;
}

async function deliveriesOf(url: string, status: string): Promise<DeliveryPage['deliveries'][number][]> {
  const all: DeliveryPage['deliveries'][number][] = [];
  for (let cursor: string | null = ''; cursor !== null;) {
    const from: string = cursor && `&cursor=${encodeURIComponent(cursor)}`;
    const response = await fetch(`${url}/webhooks/runs/deliveries?status=${status}&limit=200${from}`);
    const page = (await response.json()) as DeliveryPage;
    if (!response.ok) throw new Error(`Dead letters can’t be read: ${JSON.stringify(page)}`);
    all.push(...page.deliveries);
    cursor = page.next;
  }
  return all;
}

/** What is still to be delivered, as the API shows it. */
async function leftAt(url: string): Promise<string[]> {
  const response = await fetch(`${url}/webhooks`);
  const { webhooks } = (await response.json()) as {
    webhooks: readonly { description?: string; waiting: number; dead: number; state: string }[];
  };
  const waiting = (await deliveriesOf(url, 'waiting')).length;
  return [
    ...webhooks
      .filter((webhook) => webhook.waiting + webhook.dead > 0 || webhook.state !== 'active')
      .map((webhook) => `A webhook is not at rest: ${JSON.stringify(webhook)}`),
    ...(waiting > 0 ? [`${String(waiting)} deliveries of runs still wait`] : []),
  ];
}

/** The id of the last event. */
export function lastEventId(database: LogDatabase): Promise<number> {
  return count(database, 'SELECT coalesce(max(id), 0) AS count FROM events');
}
