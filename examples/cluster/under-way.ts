import { setTimeout as delay } from 'node:timers/promises';
import { callerId, type Call } from './callers.ts';
import type { DemoNode } from './demo-node.ts';

/** Of the newest runs so many are looked at: some of them are of each node. */
const NEWEST = 40;
const PAUSE_MS = 20;
/** After so long without a run that a node has under way something is wrong. */
const PATIENCE_MS = 120_000;

/** What GET /runs/{id} says of a run, as far as it is looked at here. */
interface RecordedRun {
  readonly requestId: string | null;
  readonly createdAt: string;
  readonly finishedAt: string | null;
}

interface Options {
  readonly node: DemoNode;
  /** The node that is asked. */
  readonly witness: DemoNode;
  readonly calls: readonly Call[];
  /** Younger runs go on for long enough to be under way still when the node is killed. */
  readonly youngMs: number;
  readonly signal: AbortSignal;
}

/**
 * Waits until the history, as another node shows it, has a young run that a node accepted and goes on with: only what is on
 * record by then can be taken over, and a slow machine needs longer for it than a fixed time would give it.
 */
export async function untilUnderWay(options: Options): Promise<void> {
  const { node, witness, signal } = options;
  const until = performance.now() + PATIENCE_MS;
  while (!(await showsYoungRun(options))) {
    if (performance.now() > until)
      throw new Error(
        `${witness.name} has shown no young run of ${node.name} for ${String(PATIENCE_MS / 1000)} s, so killing ${node.name} would show nothing`,
      );
    await delay(PAUSE_MS, undefined, { signal });
  }
}

async function showsYoungRun({ node, witness, calls, youngMs, signal }: Options): Promise<boolean> {
  const response = await fetch(`${witness.url}/runs?limit=${String(NEWEST)}`, { signal });
  if (!response.ok) return false;
  const { runs } = (await response.json()) as { runs: readonly { readonly id: string }[] };
  const shown = await Promise.all(
    runs.map(async ({ id }) => {
      const answer = await fetch(`${witness.url}/runs/${id}`, { signal });
      return answer.ok ? ((await answer.json()) as RecordedRun) : undefined;
    }),
  );
  const own = new Set(
    calls
      .filter((call) => (call.answer?.acceptedBy ?? call.node) === node)
      .map(({ number }) => callerId(number)),
  );
  return shown.some(
    (run) =>
      run?.finishedAt === null &&
      own.has(run.requestId ?? '') &&
      Date.now() - Date.parse(run.createdAt) < youngMs,
  );
}
