import type { IncomingHttpHeaders } from 'node:http';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { DomainError, inputErrors, invalidRequest, type InputError } from '../core/domain-error.js';
import type { JsonValue } from '../core/json.js';
import type { RunOrigin } from '../core/run-origin.js';
import type { TaskDefinition } from '../core/task.js';
import type { RunTerms } from '../run/run-terms.js';
import { Runs } from '../run/runs.js';
import { acceptRun } from './accepted-run.js';
import { CoalescedRuns } from './coalesced-runs.js';
import { IdempotentRuns } from './idempotent-runs.js';
import { batchItemSchema } from './run-batches.schemas.js';
import { RunWebhooks } from './run-webhooks.js';
import { StartGate } from './start-gate.js';
import { TaskRegistry } from './task-registry.js';
import type { RunRequest } from './tasks.schemas.js';
import { TasksService } from './tasks.service.js';
import type { StartedRun } from './started-run.js';

/** How long items are checked before the event loop gets a turn, in milliseconds. */
const CHECKING_MS = 10;

/** The terms that all items of a batch share. */
export interface BatchTerms {
  readonly origin: RunOrigin;
  /** Headers of the request. */
  readonly headers: IncomingHttpHeaders;
  /** The client to whom the items' idempotency keys belong. */
  readonly client: string;
  /** Largest size of an item, in bytes of JSON. */
  readonly maxItemBytes: number;
}

interface AcceptedItem {
  readonly terms: RunTerms;
  readonly request: RunRequest;
  readonly key: string | undefined;
}

/** Starts many runs of a task for one request. */
@Injectable()
export class RunBatches {
  constructor(
    private readonly registry: TaskRegistry,
    private readonly runs: Runs,
    private readonly idempotent: IdempotentRuns,
    private readonly tasks: TasksService,
    private readonly webhooks: RunWebhooks,
    private readonly coalesced: CoalescedRuns,
  ) {}

  /**
   * Starts a run for each item, all in one turn of the event loop. A refused item doesn't stop the others.
   *
   * @returns the run of each item, as soon as the journal has the run, or the item's error
   * @throws {DomainError} `task-unknown`
   */
  async start(
    task: string,
    items: readonly JsonValue[],
    terms: BatchTerms,
  ): Promise<PromiseSettledResult<StartedRun>[]> {
    const accepted = await this.acceptAll(this.registry.get(task), items, terms);
    const gate = new StartGate();
    return Promise.allSettled(
      accepted.map(async (item, index) => {
        try {
          if (item.status === 'rejected') throw item.reason;
          const run = await this.startOne(item.value, terms.client, gate);
          await this.tasks.recorded(run);
          return run;
        } catch (error) {
          throw below(`/runs/${index}`, error);
        }
      }),
    );
  }

  private async acceptAll(
    task: TaskDefinition,
    items: readonly JsonValue[],
    terms: BatchTerms,
  ): Promise<PromiseSettledResult<AcceptedItem>[]> {
    const accepted: PromiseSettledResult<AcceptedItem>[] = [];
    let until = performance.now() + CHECKING_MS;
    for (const item of items) {
      accepted.push(...(await Promise.allSettled([this.accept(task, item, terms)])));
      if (performance.now() < until) continue;
      await nextTurn();
      until = performance.now() + CHECKING_MS;
    }
    return accepted;
  }

  private async accept(
    task: TaskDefinition,
    item: JsonValue,
    { origin, headers, maxItemBytes }: BatchTerms,
  ): Promise<AcceptedItem> {
    const bytes = Buffer.byteLength(JSON.stringify(item));
    if (bytes > maxItemBytes)
      throw new DomainError(
        'payload-too-large',
        `The item has ${bytes} bytes of JSON; at most ${maxItemBytes} are taken`,
      );
    const parsed = batchItemSchema.safeParse(item);
    if (!parsed.success) throw invalidRequest(inputErrors(parsed.error.issues));
    const { idempotencyKey: key, ...request } = parsed.data;
    return { terms: await acceptRun(task, request, origin, this.webhooks, headers), request, key };
  }

  private async startOne(
    { terms, request, key }: AcceptedItem,
    client: string,
    gate: StartGate,
  ): Promise<StartedRun> {
    const { id: runId, task, definition } = terms;
    if (key === undefined && definition?.coalescing)
      return this.coalesced.start(terms, request, definition.coalescing, gate);
    if (key === undefined) {
      await gate.pass(undefined);
      this.runs.start(terms);
      return { runId, task, replayed: false };
    }
    const start: Parameters<IdempotentRuns['share']>[3] = (claimed) =>
      this.runs.start(terms, claimed).reply(0);
    return { task, ...(await this.idempotent.share({ client, key }, request, terms, start, gate)) };
  }
}

/** Changes the pointers of an item's error into pointers into the whole body. */
function below(pointer: string, error: unknown): unknown {
  if (!(error instanceof DomainError) || error.code !== 'invalid-request') return error;
  const errors = error.details.errors as readonly InputError[];
  return invalidRequest(errors.map((one) => ({ ...one, pointer: pointer + one.pointer })));
}
