import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RunEvent } from '../../src/core/events.js';
import type { Random } from '../crash/random.ts';
import { answer, randomManner, type Manner, type Taken } from './manners.ts';
import { SecretRing } from './secrets.ts';

/**
 * Where events can be sent. `steady` answers well; `moody` as it likes; `mortal` closes its port now and then; `broken` fails and `gone` answers
 * with 410, both for ever.
 */
export const PLACES = ['steady', 'moody', 'mortal', 'broken', 'gone'] as const;
export type Place = (typeof PLACES)[number];

/** Whether a webhook was made by the API, and isn’t one that runs have of their own. */
export const isSubscription = (token: string) => token.startsWith('subscription-');

/** A delivery that came with a right signature. */
export interface Reception {
  /** Names the webhook that it was sent for. */
  readonly token: string;
  readonly place: Place;
  /** Its `webhook-id`, the number of the event. */
  readonly id: number;
  /** The event: see `digestOf`. */
  readonly digest: string;
  readonly traceparent: string | undefined;
  /** The number of the service’s life, or of the round, that it came in. */
  readonly life: number;
  /** Where its arrival stands among all arrivals and answers. */
  readonly at: number;
  /** When it came, in milliseconds since 1970: for whoever looks for a fault. */
  readonly time: number;
  taken: Taken;
  /** Where its answer stands; Infinity until it was taken. */
  takenAt: number;
}

/** Tells events apart without keeping them. */
export function digestOf(event: unknown): string {
  return createHash('md5').update(JSON.stringify(event)).digest('base64');
}

/** Receivers of webhooks, which outlive what they are to prove. They verify each delivery, answer as they like, and remember it. */
export class Receivers {
  readonly secrets = new SecretRing();
  readonly receptions: Reception[] = [];
  /** Deliveries that should never have been made. */
  readonly violations: string[] = [];
  /** How many were tests. */
  tests = 0;
  /** The number of the service’s life, or of the round. */
  life = 0;
  readonly #random: Random;
  readonly #server: Server;
  readonly #mortal: Server;
  readonly #origin: string;
  readonly #mortalOrigin: string;
  readonly #ending = new AbortController();
  #lifeOfMortal: Promise<void> = Promise.resolve();
  #order = 0;
  #healed = false;

  private constructor(random: Random, server: Server, mortal: Server) {
    this.#random = random;
    this.#server = server;
    this.#mortal = mortal;
    this.#origin = originOf(server);
    this.#mortalOrigin = originOf(mortal);
    for (const one of [server, mortal]) one.on('request', (...exchange) => void this.#receive(...exchange));
  }

  static async start(random: Random): Promise<Receivers> {
    const servers = [createServer(), createServer()] as const;
    await Promise.all(servers.map((server) => once(server.listen(0, '127.0.0.1'), 'listening')));
    const receivers = new Receivers(random, ...servers);
    receivers.#lifeOfMortal = receivers.#liveMortally();
    return receivers;
  }

  /** For `WEBHOOK_ORIGINS`. */
  get origins(): string {
    return `${this.#origin},${this.#mortalOrigin}`;
  }

  /** Where the webhook with that token is told of events. Those of `broken` and `gone` are an endpoint each, for no breaker to hold them up. */
  url(place: Place, token: string): string {
    const origin = place === 'mortal' ? this.#mortalOrigin : this.#origin;
    const path = place === 'broken' || place === 'gone' ? `${place}/${token}` : place;
    return `${origin}/${path}?for=${token}`;
  }

  /** The service begins another life, after its process has gone. What that has sent until then is of the life before. */
  async beginLife(): Promise<void> {
    // Connections are taken in the order in which they were made. The port of `mortal` may be closed.
    await Promise.all([this.#origin, this.#mortalOrigin].map((url) => fetch(url).catch(() => undefined)));
    this.life += 1;
    this.#server.closeAllConnections();
    this.#mortal.closeAllConnections();
  }

  /** From now on all answer well but `broken` and `gone`. */
  async heal(): Promise<void> {
    this.#healed = true;
    this.#ending.abort();
    await this.#lifeOfMortal;
  }

  async close(): Promise<void> {
    await this.heal();
    for (const server of [this.#server, this.#mortal]) {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    }
  }

  async #receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { life } = this;
    if (request.method === 'GET') {
      response.end();
      return;
    }
    response.on('error', () => undefined);
    const body = await text(request).catch(() => undefined);
    // Whoever sent it was killed meanwhile.
    if (body === undefined) return;
    const url = new URL(request.url ?? '', this.#origin);
    const place = PLACES.find((one) => url.pathname.split('/')[1] === one);
    const token = url.searchParams.get('for') ?? '';
    const headers = request.headers as Record<string, string>;
    const mistake = place ? this.secrets.mistake(token, life, headers, body) : 'no webhook has that address';
    if (!place || mistake !== undefined) {
      this.violations.push(`A delivery to ${url.pathname}${url.search} is wrong: ${mistake ?? ''}: ${body}`);
      response.writeHead(400).end();
      return;
    }
    const event = eventIn(headers, body);
    if ((event.type as string) === 'webhook.test') {
      this.tests += 1;
      response.writeHead(204).end();
      return;
    }
    const reception = this.#note(token, place, life, headers, event);
    const manner = this.#mannerOf(place, token);
    const taken = await answer(manner, response, this.#random);
    // Elsewhere the answer may come too late, or the port may close before it is there.
    reception.taken = taken === 'surely' && place !== 'steady' ? 'perhaps' : taken;
    if (reception.taken !== 'no') reception.takenAt = ++this.#order;
  }

  #note(
    token: string,
    place: Place,
    life: number,
    headers: Record<string, string>,
    event: RunEvent,
  ): Reception {
    const id = Number(headers['webhook-id']);
    if (id !== event.id) this.violations.push(`Event ${String(event.id)} has the webhook-id ${String(id)}`);
    const reception: Reception = {
      ...{ token, place, id, life },
      digest: digestOf(event),
      traceparent: headers.traceparent,
      at: ++this.#order,
      time: Date.now(),
      taken: 'no',
      takenAt: Infinity,
    };
    this.receptions.push(reception);
    return reception;
  }

  #mannerOf(place: Place, token: string): Manner {
    if (place === 'broken') return 'failing';
    if (place === 'gone') return 'gone';
    if (place !== 'moody' || this.#healed) return 'well';
    // It pauses a subscription, which goes on when it is resumed.
    return isSubscription(token) && this.#random.int(0, 60) === 0 ? 'gone' : randomManner(this.#random);
  }

  /** Closes the port of `mortal` for a while, again and again. */
  async #liveMortally(): Promise<void> {
    const random = this.#random.fork();
    const { port } = this.#mortal.address() as AddressInfo;
    while (await this.#isStillMortalAfter(random.int(300, 1_500))) {
      this.#mortal.close();
      this.#mortal.closeAllConnections();
      await this.#isStillMortalAfter(random.int(100, 700));
      await listenAgain(this.#mortal, port);
    }
  }

  async #isStillMortalAfter(ms: number): Promise<boolean> {
    const { signal } = this.#ending;
    await sleep(ms, undefined, { signal }).catch(() => undefined);
    return !signal.aborted;
  }
}

function originOf(server: Server): string {
  return `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
}

/** Somebody may have the port for a moment. */
async function listenAgain(server: Server, port: number): Promise<void> {
  for (;;) {
    try {
      await once(server.listen(port, '127.0.0.1'), 'listening');
      return;
    } catch {
      await sleep(20);
    }
  }
}

/** The event of a delivery, in whichever format it came. */
function eventIn(headers: Record<string, string>, body: string): RunEvent {
  const content: unknown = JSON.parse(body);
  const isStructured = headers['content-type']?.startsWith('application/cloudevents+json') === true;
  return (isStructured ? (content as { data: unknown }).data : content) as RunEvent;
}
