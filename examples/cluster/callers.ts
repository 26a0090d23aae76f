import { setTimeout as delay } from 'node:timers/promises';
import type { Answer } from '../../src/tasks/started-run.ts';
import type { DemoNode } from './demo-node.ts';

/** Between two tries of a caller that was refused. */
const RETRY_MS = 100;
/** How long a caller tries. */
const PATIENCE_MS = 60_000;

/** One caller and what it was told. */
export interface Call {
  readonly number: number;
  /** The node that it asks now, or had its answer from. */
  node: DemoNode;
  /** The node that died while the caller waited for its answer. */
  cutOffBy: DemoNode | undefined;
  answer: { readonly runId: string; readonly acceptedBy: DemoNode; readonly ms: number } | undefined;
}

/** What a caller's request and its run are known by. */
export function callerId(number: number): string {
  return `caller-${String(number)}`;
}

/** Callers that ask the nodes in turn, and when one is gone, the next: with the same Idempotency-Key, so they start no second run. */
export class Callers {
  readonly calls: Call[] = [];
  readonly #nodes: readonly DemoNode[];
  readonly #signal: AbortSignal;

  constructor(nodes: readonly DemoNode[], signal: AbortSignal) {
    this.#nodes = nodes;
    this.#signal = signal;
  }

  /** Lets `count` callers ask within `ms`; resolves when all have been answered or given up. */
  async ask(count: number, ms: number): Promise<void> {
    const numbers = Array.from({ length: count }, (_, index) => index + 1);
    await Promise.all(
      numbers.map(async (number) => {
        await delay(((number - 1) * ms) / count, undefined, { signal: this.#signal });
        await this.#askUntilAnswered(number);
      }),
    );
  }

  async #askUntilAnswered(number: number): Promise<void> {
    const call: Call = { number, node: this.#inTurn(number), cutOffBy: undefined, answer: undefined };
    this.calls.push(call);
    const begun = performance.now();
    for (let turn = number; !call.answer && performance.now() < begun + PATIENCE_MS; turn += 1) {
      call.node = this.#inTurn(turn);
      const { alive } = call.node;
      try {
        call.answer = await this.#askOnce(call, begun);
      } catch (error) {
        if (this.#signal.aborted) throw error;
        if (call.node.alive) await delay(RETRY_MS, undefined, { signal: this.#signal });
        else if (alive) call.cutOffBy = call.node;
      }
    }
  }

  async #askOnce({ number, node, cutOffBy }: Call, begun: number): Promise<Call['answer']> {
    const response = await fetch(`${node.url}/tasks/demo/runs`, {
      method: 'POST',
      headers: { 'Idempotency-Key': `"${callerId(number)}"`, 'X-Request-Id': callerId(number) },
      signal: this.#signal,
    });
    if (!response.ok) throw new Error(await response.text());
    const { runId } = (await response.json()) as Answer;
    const isReplayed = response.headers.has('Idempotency-Replayed');
    return { runId, acceptedBy: isReplayed ? (cutOffBy ?? node) : node, ms: performance.now() - begun };
  }

  #inTurn(turn: number): DemoNode {
    const node = this.#nodes[(turn - 1) % this.#nodes.length];
    if (!node) throw new Error('There are no nodes');
    return node;
  }
}
