import { inspect } from 'node:util';
import type { Failure, Reply } from '../../src/core/run.js';
import type { Answer } from '../../src/tasks/started-run.js';
import type { Extras, RunWebhooks } from '../webhooks/run-webhooks.ts';
import type { BuiltService } from './built-service.ts';
import type { Random } from './random.ts';
import { randomRequest, type CrashRequest } from './requests.ts';

/** What a caller asked, and was told. */
export interface Told {
  readonly request: CrashRequest;
  readonly extras: Extras;
  readonly runId: string;
  /** Undefined when the caller was told that the service stops, and that its next start goes on with the run. */
  readonly reply: Reply | undefined;
}

/** A problem document. */
export interface RunProblem {
  readonly type: string;
  readonly detail: string;
  readonly runId?: string;
  /** Those of a run that failed. */
  readonly failures: readonly Failure[];
}

/** The callers of the service over all rounds, and what they were told. */
export class Callers {
  readonly told: Told[] = [];
  /** Answers that no caller should get. */
  readonly surprises: string[] = [];
  readonly #webhooks: RunWebhooks;

  constructor(webhooks: RunWebhooks) {
    this.#webhooks = webhooks;
  }

  /**
   * Lets each caller send one request after the other.
   *
   * @returns when one of them has its first answer, and when the service has ended and cut off all
   */
  drive(
    service: BuiltService,
    url: string,
    callers: readonly Random[],
  ): { answered: Promise<unknown>; ended: Promise<unknown> } {
    const firsts = callers.map((random) => this.#ask(service, url, random));
    const ended = callers.map(async (random, index) => {
      let goesOn = await firsts[index];
      while (goesOn) goesOn = await this.#ask(service, url, random);
    });
    return { answered: Promise.race(firsts), ended: Promise.all(ended) };
  }

  /** @returns whether the caller may go on asking */
  async #ask(service: BuiltService, url: string, random: Random): Promise<boolean> {
    const request = randomRequest(random);
    const extras = this.#webhooks.draw(random);
    try {
      const response = await fetch(`${url}/tasks/crash/runs`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', ...extras.headers },
        body: JSON.stringify({ ...request, ...extras.body }),
      });
      this.#note({ request, extras }, (await response.json()) as Answer | RunProblem, service.ending);
      return !service.ending;
    } catch (error) {
      if (!service.ending) this.surprises.push(`A caller was cut off: ${inspect(error)}`);
      return false;
    }
  }

  #note(asked: Pick<Told, 'request' | 'extras'>, body: Answer | RunProblem, ending: boolean): void {
    const told = toldIn(body);
    if (told) this.told.push({ ...asked, ...told });
    else if (!ending || !isStopping(body))
      this.surprises.push(`A caller was answered ${JSON.stringify(body)}`);
  }
}

/** What an answer tells of a run; undefined when it tells of none. */
export function toldIn(body: Answer | RunProblem): Pick<Told, 'runId' | 'reply'> | undefined {
  if ('answeredBy' in body) {
    const { runId, answeredBy, result } = body;
    return { runId, reply: { answeredBy, result } };
  }
  const { type, detail: message, runId, failures } = body;
  if (runId === undefined) return undefined;
  if (isStopping(body)) return { runId, reply: undefined };
  if (type !== '/problems/run-failed') return undefined;
  return { runId, reply: { error: { code: 'run-failed', message, failures } } };
}

function isStopping(body: Answer | RunProblem): boolean {
  return 'type' in body && body.type === '/problems/stopping';
}
