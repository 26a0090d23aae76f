import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '../crash/random.ts';

/** Longer than the timeout of webhooks that are answered late. */
const LATE_MS = 700;
const CHUNK = 'x'.repeat(10_000);

/** Whether a receiver has taken an event: `perhaps` where who sent it may see it either way. */
export type Taken = 'surely' | 'perhaps' | 'no';

type Answer = (response: ServerResponse, random: Random) => Taken | Promise<Taken>;

function refuse(status: number, headers: Readonly<Record<string, string>> = {}): Answer {
  return (response) => {
    response.writeHead(status, headers).end(`Refused with ${String(status)}`);
    return 'no';
  };
}

/** How a receiver answers. */
const answers = {
  well(response, random) {
    response.writeHead(random.pick([200, 201, 202, 204])).end();
    return 'surely';
  },
  async late(response) {
    await sleep(LATE_MS);
    if (response.destroyed) return 'no';
    response.writeHead(200).end();
    return 'perhaps';
  },
  moved: refuse(302, { Location: '/moved' }),
  missing: refuse(404),
  gone: refuse(410),
  failing: refuse(500),
  busy(response, random) {
    const headers = { 'Retry-After': random.pick(['0', '1']) };
    return refuse(random.pick([429, 503]), headers)(response, random);
  },
  hangUp(response) {
    response.destroy();
    return 'no';
  },
  /** Within the headers of the answer. */
  cutHead(response) {
    response.socket?.end('HTTP/1.1 200 OK\r\nContent-Le');
    return 'no';
  },
  cutBody(response) {
    response.writeHead(200, { 'Content-Length': '100' }).write('not all', () => response.destroy());
    return 'perhaps';
  },
  endless(response, random) {
    const status = random.pick([200, 500]);
    response.writeHead(status);
    const writes = setInterval(() => response.write(CHUNK), 5);
    response.once('close', () => {
      clearInterval(writes);
    });
    return status === 200 ? 'perhaps' : 'no';
  },
} as const satisfies Readonly<Record<string, Answer>>;

export type Manner = keyof typeof answers;

/** Answers in a manner, unless who asked has gone. */
export async function answer(manner: Manner, response: ServerResponse, random: Random): Promise<Taken> {
  return response.destroyed ? 'no' : answers[manner](response, random);
}

const MOODS: readonly [Manner, ...Manner[]] = [
  ...Array.from({ length: 14 }, () => 'well' as const),
  'late',
  'moved',
  'missing',
  'failing',
  'failing',
  'busy',
  'hangUp',
  'cutHead',
  'cutBody',
  'endless',
] as unknown as [Manner, ...Manner[]];

export function randomManner(random: Random): Manner {
  return random.pick(MOODS);
}
