import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Options } from '../options.ts';
import { service } from '../servers/servers.ts';
import type { Cores } from '../support/cores.ts';
import type { Generator } from '../support/generator.ts';
import { cpuMicroseconds } from '../support/process-usage.ts';
import { subscribe, type Receivers } from '../support/receivers.ts';
import { ServerProcess } from '../support/server-process.ts';
import type { Stage } from '../support/stage.ts';
import { FAST } from '../support/turn.ts';
import {
  ENDPOINTS,
  EVENTS_OF_RUN,
  FATES,
  KINDS,
  RATE,
  type Fate,
  type Kind,
  type WebhooksTurn,
} from './webhooks-figures.ts';

/** Load before the measured part of a turn; and how long nothing may come after it before the next one begins; ms. */
const LEAD = 1000;

export interface WebhooksParts {
  readonly stage: Stage;
  readonly options: Options;
  readonly directory: string;
  readonly cores: Cores;
  readonly generator: Generator;
  readonly receivers: Receivers;
}

/** A server, and what is posted to it. */
interface Subject<Variant> {
  readonly variant: Variant;
  readonly server: ServerProcess;
  /** Of a request for a run. */
  readonly body: string;
  /** Runs a second. */
  readonly rate: number;
}

/** The same runs without a webhook, with one of the API, and with one that each names. */
export async function measureLoad(parts: WebhooksParts): Promise<WebhooksTurn<Kind>[]> {
  const { receivers } = parts;
  const subjects: Subject<Kind>[] = [];
  for (const variant of KINDS) {
    const server = await start(parts, variant);
    if (variant === 'of the API') await subscribe(server, { url: await receivers.live('api') });
    const own = variant === 'of each run' ? { webhooks: [{ url: await receivers.live('run') }] } : {};
    subjects.push({ variant, server, body: JSON.stringify(own), rate: RATE / EVENTS_OF_RUN });
  }
  return takeTurns(parts, subjects);
}

/** A hundred webhooks of the API, of which one refuses connections, or hangs, or answers as the others do. */
export async function measureEndpoints(parts: WebhooksParts): Promise<WebhooksTurn<Fate>[]> {
  const { receivers } = parts;
  const urls = {
    answers: await receivers.answering(),
    refuses: receivers.refusing(),
    hangs: await receivers.hanging(),
  };
  const subjects: Subject<Fate>[] = [];
  for (const variant of FATES) {
    const server = await start(parts, variant);
    await subscribe(server, { url: urls[variant] });
    for (let n = 1; n < ENDPOINTS; n += 1)
      await subscribe(server, { url: await receivers.live(`${variant}-${n}`) });
    subjects.push({ variant, server, body: '{}', rate: RATE / EVENTS_OF_RUN / ENDPOINTS });
  }
  return takeTurns(parts, subjects);
}

async function start(
  { stage, options, directory, cores, receivers }: WebhooksParts,
  name: string,
): Promise<ServerProcess> {
  const spec = service(options.service, path.join(directory, `${name}.db`));
  return ServerProcess.start(
    stage,
    { ...(await receivers.allowedBy(spec)), name: `Frontrunner, ${name}` },
    { core: cores.server, timeScale: FAST },
  );
}

async function takeTurns<Variant extends string>(
  parts: WebhooksParts,
  subjects: readonly Subject<Variant>[],
): Promise<WebhooksTurn<Variant>[]> {
  const { stage, options } = parts;
  for (const subject of subjects) {
    stage.say(`Warming up: ${subject.variant}`);
    await takeTurn(parts, subject, options.warmUp);
  }
  const turns: WebhooksTurn<Variant>[] = [];
  for (let round = 1; round <= options.rounds; round += 1)
    for (const subject of subjects) {
      const turn = await takeTurn(parts, subject, options.seconds);
      const { deliveries } = turn.received;
      stage.say(
        `Round ${round}/${options.rounds}: ${subject.variant} ${Math.round(deliveries / turn.lap.seconds)} deliveries/s`,
      );
      turns.push({ round, variant: subject.variant, ...turn });
    }
  for (const { server } of subjects) await server.stop();
  return turns;
}

async function takeTurn(
  { stage: { signal }, generator, receivers }: WebhooksParts,
  { server, body, rate }: Subject<string>,
  seconds: number,
): Promise<Pick<WebhooksTurn<string>, 'lap' | 'received' | 'cpuPerRun'>> {
  await generator.start({ kind: 'paced', url: `${server.origin}/tasks/demo/runs`, rate, post: true, body });
  await sleep(LEAD, undefined, { signal });
  await generator.lap();
  await receivers.lap();
  const cpu = cpuMicroseconds(server.pid);
  await sleep(seconds * 1000, undefined, { signal });
  const lap = await generator.lap();
  const received = await receivers.lap();
  const cpuPerRun = (cpuMicroseconds(server.pid) - cpu) / lap.completed;
  await generator.stop();
  do await sleep(LEAD, undefined, { signal });
  while ((await receivers.lap()).deliveries > 0);
  return { lap, received, cpuPerRun };
}
