import { setTimeout as sleep } from 'node:timers/promises';
import type { RunProblem } from '../crash/callers.ts';
import type { Random } from '../crash/random.ts';
import type { Cluster } from './cluster.ts';
import type { Node } from './node.ts';

/** Between two tries of a caller that was refused or cut off. */
export const PAUSE_MS = 60;

export interface Answered {
  readonly status: number;
  readonly body: unknown;
}

/** Asks now this node, now that. */
export class AnyNode {
  /** After so long without an answer something is wrong. */
  readonly patienceMs: number;
  readonly #cluster: Cluster;

  constructor(cluster: Cluster, patienceMs: number) {
    this.#cluster = cluster;
    this.patienceMs = patienceMs;
  }

  /** One that listens, as soon as there is one. */
  async pick(random: Random): Promise<Node> {
    for (;;) {
      const [first, ...rest] = this.#cluster.nodes.filter(({ url }) => url !== undefined);
      if (first) return random.pick([first, ...rest]);
      await sleep(PAUSE_MS);
    }
  }

  /**
   * Undefined when the node was ended meanwhile, or took longer than a caller would wait that isn't of endless patience.
   *
   * @returns the error when nothing explains it
   */
  async ask(
    random: Random,
    path: string,
    init: RequestInit,
    patienceMs = this.patienceMs,
  ): Promise<Answered | { readonly error: unknown } | undefined> {
    const { service, url = '' } = await this.pick(random);
    try {
      const response = await fetch(`${url}${path}`, { ...init, signal: AbortSignal.timeout(patienceMs) });
      return { status: response.status, body: await response.json() };
    } catch (error) {
      const isLate = patienceMs < this.patienceMs && (error as Error).name === 'TimeoutError';
      return isLate || service?.ending === true ? undefined : { error };
    }
  }
}

/** Whether a node said that it takes nothing now. */
export function isRefusal({ status, body }: Answered): boolean {
  return status === 503 && /(journal-unavailable|worker-node|stopping)$/.test((body as RunProblem).type);
}

/** Whether a node said that it doesn't know the task. */
export function isUnknownTask({ status, body }: Answered): boolean {
  return status === 404 && (body as RunProblem).type === '/problems/task-unknown';
}
