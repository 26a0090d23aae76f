import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { TransactionError, type CallerTransaction } from '../core/caller-transaction.js';
import { DomainError } from '../core/domain-error.js';
import type { RunOrigin } from '../core/run-origin.js';
import { EventBus } from '../events/event-bus.js';
import type { PostgresJournal } from '../journal/postgres/postgres-journal.js';
import { Journal } from '../run/journal.js';
import { Runs } from '../run/runs.js';
import { acceptRun } from '../tasks/accepted-run.js';
import { RunWebhooks } from '../tasks/run-webhooks.js';
import { TaskRegistry } from '../tasks/task-registry.js';
import type { RunRequest } from '../tasks/tasks.schemas.js';
import type { StartedRun } from '../tasks/started-run.js';

/** Starts runs that exist if, and only if, a transaction of the caller is committed. */
@Injectable()
export class StartInTransaction implements OnModuleDestroy {
  private readonly closing = new AbortController();

  constructor(
    private readonly registry: TaskRegistry,
    private readonly runs: Runs,
    private readonly journal: Journal,
    private readonly bus: EventBus,
    private readonly webhooks: RunWebhooks,
  ) {}

  /**
   * Checks the request as an ordinary start does, and records it in the transaction. The run begins right after the commit.
   *
   * @param origin links the run to the logs of its caller
   * @param key refused: such a start takes no idempotency key
   * @throws {TransactionError} where the journal isn't in Postgres, for a task that keeps its input out of the journal, and for an object
   * that isn't a transaction on the journal's database; also throws errors of the transaction
   * @throws {DomainError} `task-unknown`, `invalid-request`, `overloaded`, `journal-unavailable`, `worker-node`, `stopping`
   */
  async start(
    task: string,
    request: RunRequest,
    origin: RunOrigin,
    transaction: CallerTransaction,
    key?: string,
  ): Promise<StartedRun> {
    const { runs, bus, closing } = this;
    if (key !== undefined)
      throw new TransactionError(
        'transaction and idempotencyKey don’t go together; a unique column of your own, written in the same transaction, keeps a second run from starting',
      );
    if (!isPostgres(this.journal))
      throw new TransactionError(
        'A run can be started in a transaction only where the journal is in the same Postgres database; set the database to postgres://…, or start the run after your commit',
      );
    const journal = this.journal;
    const terms = await acceptRun(this.registry.get(task), request, origin, this.webhooks);
    if (!terms.inputIsKept)
      throw new TransactionError(
        `${task} keeps its input, or some of it, out of the journal (keepInput, redact), where it would have to wait for your commit; start the run after that`,
      );
    if (journal.options.role === 'worker')
      throw new DomainError('worker-node', 'This node takes no new runs; start it at another one');
    runs.admission.admit(terms);
    const { requestRun, untilBegun } = await import('./run-requests.js');
    const requested = { id: terms.id, transaction: await requestRun(journal, transaction, terms) };
    return {
      runId: terms.id,
      task,
      replayed: false,
      begun: (waitMs) => untilBegun(journal, bus, requested, waitMs, closing.signal),
    };
  }

  /** Ends all waits for runs to begin. */
  onModuleDestroy(): void {
    this.closing.abort();
  }
}

function isPostgres(journal: Journal): journal is PostgresJournal {
  return journal.sharing !== undefined;
}
