import { setTimeout as sleep } from 'node:timers/promises';
import type { LogDatabase } from '../crash/log-proof.ts';
import type { Random } from '../crash/random.ts';
import type { ShownRun } from '../support/test-app.ts';
import { isRefusal, isUnknownTask, PAUSE_MS, type AnyNode, type Answered } from './any-node.ts';

/** A retry that a caller was told is on record. */
interface ToldRetry {
  readonly runId: string;
  readonly subTask: string;
}

/** Callers that retry failed sub-tasks while others of the run end. */
export class Retries {
  readonly told: ToldRetry[] = [];
  readonly surprises: string[] = [];
  readonly #nodes: AnyNode;

  constructor(nodes: AnyNode) {
    this.#nodes = nodes;
  }

  /** Looks at a run until it has ended, and retries each of its sub-tasks once that it finds failed. */
  async retryWhatFails(random: Random, runId: string): Promise<void> {
    const retried = new Set<string>();
    const until = performance.now() + this.#nodes.patienceMs;
    while (performance.now() < until) {
      const run = await this.#look(random, runId);
      const failed = run?.subTasks.find(({ name, status }) => status === 'failed' && !retried.has(name));
      if (failed) {
        retried.add(failed.name);
        await this.#retry(random, { runId, subTask: failed.name });
      } else if (run && run.finishedAt !== null) return;
    }
  }

  async #look(random: Random, runId: string): Promise<ShownRun | undefined> {
    const answer = await this.#ask(random, `/runs/${runId}`, {});
    if (answer?.status === 200) return answer.body as ShownRun;
    await sleep(PAUSE_MS);
    return undefined;
  }

  /** Asks one node after the other, with one key: it is done once. */
  async #retry(random: Random, { runId, subTask }: ToldRetry): Promise<void> {
    const headers = { 'Idempotency-Key': `"retry-${runId}-${subTask}"` };
    const until = performance.now() + this.#nodes.patienceMs;
    while (performance.now() < until) {
      const path = `/runs/${runId}/sub-tasks/${subTask}/retry`;
      const answer = await this.#ask(random, path, { method: 'POST', headers });
      if (answer?.status === 200) {
        this.told.push({ runId, subTask });
        return;
      }
      // 202: a node does it as soon as it can. Whoever asks again with the key learns when it is done.
      const isPassing = answer?.status === 202 || (answer && (isRefusal(answer) || isUnknownTask(answer)));
      if (answer && !isPassing)
        this.surprises.push(
          `A retry of ${subTask} was answered ${String(answer.status)} ${JSON.stringify(answer.body)}`,
        );
      await sleep(PAUSE_MS);
    }
    this.surprises.push(`A retry of ${subTask} in the run ${runId} was never answered`);
  }

  async #ask(random: Random, path: string, init: RequestInit): Promise<Answered | undefined> {
    const answer = await this.#nodes.ask(random, path, init);
    if (answer && 'error' in answer) this.surprises.push(`A caller was cut off: ${String(answer.error)}`);
    return answer && !('error' in answer) ? answer : undefined;
  }
}

interface RetriesProof {
  readonly violations: readonly string[];
  /** How many retries were recorded that callers asked for. */
  readonly retries: number;
  /** How many of them while the run went on. */
  readonly beside: number;
}

/** Retries that were told and aren't on record, or that one key brought several times. */
export async function proveRetries(database: LogDatabase, told: readonly ToldRetry[]): Promise<RetriesProof> {
  const rows = await database.rows<{ runId: string; subTask: string; times: number; reopened: number }>(`
    SELECT run_id AS "runId", sub_task AS "subTask", count(*) AS times, count(*) FILTER (WHERE previous = 'run.reopened') AS reopened
    FROM (SELECT *, lag(type) OVER (PARTITION BY run ORDER BY id) AS previous FROM events) AS events
    WHERE type = 'sub-task.retrying' AND data::json ->> 'key' IS NOT NULL
    GROUP BY 1, 2`);
  const recorded = new Map(rows.map(({ runId, subTask, times }) => [`${runId} ${subTask}`, times]));
  const retries = rows.reduce((sum, { times }) => sum + times, 0);
  return {
    violations: [
      ...told
        .filter(({ runId, subTask }) => !recorded.has(`${runId} ${subTask}`))
        .map(({ runId, subTask }) => `The retry of ${subTask} in the run ${runId} was told, and is lost`),
      ...rows
        .filter(({ times }) => times > 1)
        .map(({ runId, subTask }) => `One retry of ${subTask} in the run ${runId} was done several times`),
    ],
    retries,
    beside: retries - rows.reduce((sum, { reopened }) => sum + reopened, 0),
  };
}
