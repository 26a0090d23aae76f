import { setTimeout as sleep } from 'node:timers/promises';
import { inspect } from 'node:util';
import { toldIn, type RunProblem, type Told } from '../crash/callers.ts';
import type { Random } from '../crash/random.ts';
import { failingRequest, randomRequest, type CrashRequest, type TaskName } from '../crash/requests.ts';
import type { Extras, RunWebhooks } from '../webhooks/run-webhooks.ts';
import type { Ask } from '../webhooks/subscriptions.ts';
import type { Answer } from '../../src/tasks/started-run.js';
import type { ShownRun } from '../support/test-app.ts';
import { isRefusal, isUnknownTask, PAUSE_MS, type AnyNode, type Answered } from './any-node.ts';
import { KEY } from './keys-proof.ts';
import { Retries } from './retries.ts';
import { readRun, type RunStream } from './run-stream.ts';

/** How long most callers wait for an answer, before they give up or, with a key, ask another node. */
const IMPATIENT_MS = 1_500;

/** What a caller wants of a run. */
interface Call {
  readonly random: Random;
  readonly task: TaskName;
  readonly request: CrashRequest;
  readonly extras: Extras;
  readonly key: string | undefined;
  /** Whether it asks to be told at once that its run goes on. */
  readonly async: boolean;
}

/** Undefined for a caller that was cut off, or lost patience. */
type Reaction = Answered | undefined;

/** The callers of the nodes over all rounds, and what they were told. */
export class Callers {
  /** One for each run. */
  readonly told: Told[] = [];
  /** What those who read the events of their run were told. */
  readonly streams: RunStream[] = [];
  /** Answers that no caller should get. */
  readonly surprises: string[] = [];
  readonly figures = { cutOff: 0, refused: 0, unknown: 0, replayed: 0, cancelled: 0 };
  /** Of those who retry what has failed. */
  readonly retries: Retries;
  readonly #nodes: AnyNode;
  readonly #webhooks: RunWebhooks;
  #calls = 0;

  constructor(nodes: AnyNode, webhooks: RunWebhooks) {
    this.#nodes = nodes;
    this.#webhooks = webhooks;
    this.retries = new Retries(this.#nodes);
  }

  /**
   * Lets each caller send one request after the other, each to any node.
   *
   * @returns when one of them has its first answer, and what lets them come to their ends
   */
  drive(callers: readonly Random[]): { answered: Promise<unknown>; end: () => Promise<unknown> } {
    let goesOn = true;
    const firsts = callers.map((random) => this.#call(random));
    const all = callers.map(async (random, index) => {
      await firsts[index];
      while (goesOn) await this.#call(random);
    });
    const end = (): Promise<unknown> => {
      goesOn = false;
      return Promise.all(all);
    };
    return { answered: Promise.race(firsts), end };
  }

  /** For whoever makes and changes webhooks: asks now this node, now that. */
  askAny(random: Random): Ask {
    return async (path, init) => {
      const reaction = await this.#nodes.ask(random, path, init);
      return reaction && 'error' in reaction ? undefined : reaction;
    };
  }

  async #call(random: Random): Promise<void> {
    const task = random.pick<TaskName>(['crash', 'crash-placed', 'crash-newer']);
    const manner = random.pick([
      'plain',
      'plain',
      'plain',
      'async',
      'async-cancel',
      'async-retry',
      'async-stream',
      'key',
      'key',
      'key-async',
      'key-again',
    ]);
    const call: Call = {
      random,
      task,
      request: (manner === 'async-retry' ? failingRequest : randomRequest)(random, task),
      extras: this.#webhooks.draw(random),
      key: manner.startsWith('key') ? `${KEY}${String(++this.#calls)}` : undefined,
      async: manner.includes('async'),
    };
    const told = call.key === undefined ? await this.#askOnce(call) : await this.#askUntilTold(call);
    if (!told) return;
    const again = manner === 'key-again' ? await this.#askUntilTold(call, told) : told;
    if (!again) return;
    if (manner === 'async-stream') await this.#read(random, again);
    if (manner === 'async-retry') await this.retries.retryWhatFails(random, again.runId);
    if (manner === 'async-cancel') this.told.push(await this.#cancel(random, again));
    else if (call.async) this.told.push(await this.#watch(random, again));
    else this.told.push(again);
  }

  async #askOnce(call: Call): Promise<Told | undefined> {
    const reaction = await this.#post(
      call,
      call.random.pick([IMPATIENT_MS, IMPATIENT_MS, this.#nodes.patienceMs]),
    );
    if (!reaction || isRefusal(reaction)) await sleep(PAUSE_MS);
    return reaction && this.#toldBy(reaction, call);
  }

  /** Asks one node after the other. What they say must be the same. @param before what the caller was told before */
  async #askUntilTold(call: Call, before?: Told): Promise<Told | undefined> {
    const until = performance.now() + this.#nodes.patienceMs;
    while (performance.now() < until) {
      const reaction = await this.#post(call, IMPATIENT_MS);
      const told = reaction && this.#toldBy(reaction, call);
      if (told) return before ? this.#same(before, told) : told;
      await sleep(PAUSE_MS);
    }
    this.surprises.push(`A caller with the key ${String(call.key)} was never answered`);
    return before;
  }

  #same(before: Told, told: Told): Told {
    this.figures.replayed += 1;
    const [first, second] = [before, told].map((one) => JSON.stringify([one.runId, one.reply]));
    if (before.runId !== told.runId || (before.reply && told.reply && first !== second))
      this.surprises.push(`A caller with one key was told ${String(first)}, and then ${String(second)}`);
    return { ...told, reply: told.reply ?? before.reply };
  }

  #toldBy({ status, body }: Answered, { request, extras, task }: Call): Told | undefined {
    if (status === 202) return { request, extras, runId: (body as ShownRun).id, reply: undefined };
    const answer = body as Answer | RunProblem;
    const told = toldIn(answer);
    if (told) return { request, extras, ...told };
    if (isRefusal({ status, body })) this.figures.refused += 1;
    else if (task === 'crash-newer' && isUnknownTask({ status, body })) this.figures.unknown += 1;
    else this.surprises.push(`A caller was answered ${String(status)} ${JSON.stringify(body)}`);
    return undefined;
  }

  /** Cancels a run through any node. */
  async #cancel(random: Random, told: Told): Promise<Told> {
    const reaction = await this.#ask(random, `/runs/${told.runId}/cancel`, { method: 'POST' });
    if (!reaction || isRefusal(reaction) || reaction.status === 409) return told;
    this.figures.cancelled += 1;
    return this.#withReply(told, reaction);
  }

  /** Reads the events of a run through any nodes. */
  async #read(random: Random, { runId }: Told): Promise<void> {
    const anyUrl = async (): Promise<string> => String((await this.#nodes.pick(random)).url);
    this.streams.push(await readRun(runId, anyUrl, this.#nodes.patienceMs));
  }

  /** Waits for a run through any node. */
  async #watch(random: Random, told: Told): Promise<Told> {
    const headers = { Prefer: 'wait=5' };
    const reaction = await this.#ask(random, `/runs/${told.runId}`, { headers });
    if (!reaction || isRefusal(reaction)) return told;
    return this.#withReply(told, reaction);
  }

  #withReply(told: Told, { status, body }: Answered): Told {
    if (status !== 200) {
      this.surprises.push(
        `The run ${told.runId}, which was accepted, brought ${String(status)} ${JSON.stringify(body)}`,
      );
      return told;
    }
    const { finishedAt, reply } = body as ShownRun;
    return finishedAt !== null && reply ? { ...told, reply } : told;
  }

  #post({ random, task, request, extras, key, async }: Call, patienceMs: number): Promise<Reaction> {
    const headers = {
      'Content-Type': 'application/json',
      ...extras.headers,
      ...(key !== undefined && { 'Idempotency-Key': `"${key}"`, 'X-Request-Id': key }),
      ...(async && { Prefer: 'respond-async' }),
    };
    const init = { method: 'POST', headers, body: JSON.stringify({ ...request, ...extras.body }) };
    return this.#ask(random, `/tasks/${task}/runs`, init, patienceMs);
  }

  async #ask(random: Random, path: string, init: RequestInit, patienceMs?: number): Promise<Reaction> {
    const reaction = await this.#nodes.ask(random, path, init, patienceMs);
    if (reaction && !('error' in reaction)) return reaction;
    this.figures.cutOff += 1;
    if (reaction) this.surprises.push(`A caller was cut off: ${inspect(reaction.error)}`);
    return undefined;
  }
}
