import { setTimeout as delay } from 'node:timers/promises';
import type { Call } from './callers.ts';
import type { DemoNode } from './demo-node.ts';

/** What GET /runs/{id} says of a run, as far as it is told here. */
interface ShownRun {
  readonly id: string;
  readonly status: string;
  readonly finishedAt: string | null;
  readonly subTasks: readonly {
    readonly name: string;
    readonly attempts: number;
    readonly finishedAt: string | null;
  }[];
}

/** What became of a call. */
export interface Fate {
  readonly call: Call;
  /** Undefined when no node knows it. */
  readonly run: ShownRun | undefined;
  /** What was under way when its node died, and which nodes finished it. */
  readonly rescued: readonly { readonly subTask: string; readonly by: string }[];
}

export interface Account {
  readonly fates: readonly Fate[];
  /** Runs that were accepted: those that callers were told of, and any that nobody was told of. */
  readonly accepted: number;
  readonly finished: number;
  readonly lost: number;
}

/** How long the last lines of a log may take. */
const LOG_PATIENCE_MS = 2_000;

/** Waits for the end of every run, and asks a node that is left what became of each. */
export async function account(
  calls: readonly Call[],
  nodes: readonly DemoNode[],
  killed: { readonly node: DemoNode; readonly at: number },
  signal: AbortSignal,
): Promise<Account> {
  const asked = nodes.find(({ alive }) => alive);
  if (!asked) throw new Error('No node is left');
  const fates = await Promise.all(
    calls.map(async (call): Promise<Fate> => {
      const run = call.answer && (await shownRun(asked, call.answer.runId, signal));
      const isOrphan = call.answer?.acceptedBy === killed.node;
      const underWay = run?.subTasks.filter(
        ({ finishedAt }) => isOrphan && finishedAt !== null && Date.parse(finishedAt) > killed.at,
      );
      const rescued = (underWay ?? []).map(async ({ name }) => ({
        subTask: name,
        by: await finisherOf(`${run?.id ?? ''}/${name}`, nodes),
      }));
      return { call, run, rescued: await Promise.all(rescued) };
    }),
  );
  const finished = fates.filter(({ run }) => run?.status === 'succeeded').length;
  const known = await countRuns(asked, signal);
  return { fates, accepted: Math.max(known, calls.length), finished, lost: calls.length - finished };
}

async function shownRun(node: DemoNode, id: string, signal: AbortSignal): Promise<ShownRun | undefined> {
  const response = await fetch(`${node.url}/runs/${id}`, { headers: { Prefer: 'wait=60' }, signal });
  return response.ok ? ((await response.json()) as ShownRun) : undefined;
}

/** Each node logs what it has brought to its end, and a moment later. */
async function finisherOf(subTask: string, nodes: readonly DemoNode[]): Promise<string> {
  const until = performance.now() + LOG_PATIENCE_MS;
  for (;;) {
    const node = nodes.find(({ finished }) => finished.has(subTask));
    if (node) return node.name;
    if (performance.now() > until) return '?';
    await delay(20);
  }
}

/** How many runs the history has. */
async function countRuns(node: DemoNode, signal: AbortSignal): Promise<number> {
  let count = 0;
  let cursor: string | null = '';
  while (cursor !== null) {
    const response = await fetch(`${node.url}/runs?limit=100${cursor && `&cursor=${cursor}`}`, { signal });
    const page = (await response.json()) as { runs: readonly unknown[]; next: string | null };
    count += page.runs.length;
    cursor = page.next;
  }
  return count;
}
