import { sql } from 'kysely';
import { textOf } from '../core/thrown.js';
import { loggerOf } from '../core/logger-of.js';
import type { PostgresJournal } from '../journal/postgres/postgres-journal.js';
import type { Runs } from '../run/runs.js';
import type { TaskRegistry } from '../tasks/task-registry.js';
import { termsOfText } from './requested-terms.js';

/** How many runs begin at a time. */
const PAGE = 20;

interface RequestedRun {
  readonly id: string;
  readonly task: string;
  readonly terms: string;
}

/**
 * Begins the runs that callers requested in transactions of their own, once these are committed. A request belongs to the node that
 * accepted it while that node lives, then to the node that adopts it. The commit that starts the run deletes the request, and a node that
 * was taken for dead can't commit. So each run begins once.
 */
export class RequestedRuns {
  private readonly logger = loggerOf('node');
  private wake = Promise.withResolvers<undefined>();
  private looksAround = true;
  private failing = false;

  constructor(
    private readonly journal: PostgresJournal,
    private readonly runs: Runs,
    private readonly registry: TaskRegistry,
  ) {}

  /** To be called when there may be requests for this node. */
  look(): void {
    this.wake.resolve(undefined);
  }

  /** To be called when there are requests for this node, or of nodes that are gone. */
  lookAround(): void {
    this.looksAround = true;
    this.look();
  }

  /** Begins requested runs whenever there may be some, until `closing` is aborted. */
  async workOn(closing: AbortSignal): Promise<void> {
    const end = (): void => {
      this.look();
    };
    closing.addEventListener('abort', end);
    while (!closing.aborted) {
      this.wake = Promise.withResolvers();
      if (!(await this.attempt())) await this.wake.promise;
    }
    closing.removeEventListener('abort', end);
  }

  /** Begins some runs. A run that could not begin is tried again with the next beat. @returns whether there may be more */
  private async attempt(): Promise<boolean> {
    try {
      const isMore = !this.runs.stopping && (await this.beginSome());
      this.failing = false;
      return isMore;
    } catch (error) {
      if (!this.failing)
        this.logger.warn(`Runs of transactions can’t begin, which is tried again: ${textOf(error)}`);
      this.failing = true;
      return false;
    }
  }

  /** Resolves when the runs that have begun are recorded, so that their requests are gone before the next read. */
  private async beginSome(): Promise<boolean> {
    const { journal, runs, registry } = this;
    const { nodeId } = journal.sharing;
    const page = await this.page(nodeId);
    const begun: Promise<unknown>[] = [];
    try {
      for (const { id, task, terms: text } of page) {
        const definition = registry.find(task);
        if (!definition) continue;
        const terms = await termsOfText(id, definition, text);
        // If this node was taken for dead meanwhile, the requests are no longer its own.
        if (journal.sharing.nodeId !== nodeId) break;
        const run = runs.start(terms);
        journal.groups.waiting.fulfil(id);
        begun.push(run.reply(0));
      }
    } finally {
      await Promise.all(begun);
    }
    return begun.length === PAGE;
  }

  /** The requests that this node is to begin now, the oldest first. */
  private async page(node: string): Promise<readonly RequestedRun[]> {
    const { db } = this.journal.store;
    const tasks = this.takes ? this.registry.all().map(({ name }) => name) : [];
    if (this.looksAround) await this.divide(node, tasks);
    const { rows } = await sql<RequestedRun>`
      SELECT id, task, terms FROM requested_runs
      WHERE node = ${node} AND task = ANY (${tasks}::text[])
        AND NOT EXISTS (SELECT FROM paused_tasks WHERE paused_tasks.task = requested_runs.task)
      ORDER BY id LIMIT ${PAGE}`.execute(db);
    return rows;
  }

  /** Adopts requests of nodes that are gone, and releases its own requests that it can't begin. */
  private async divide(node: string, tasks: readonly string[]): Promise<void> {
    const { journal } = this;
    const { db } = journal.store;
    this.looksAround = false;
    await sql`
      UPDATE requested_runs SET node = ${node}
      WHERE id IN (
        SELECT id FROM requested_runs AS one
        WHERE task = ANY (${[...tasks]}::text[]) AND NOT EXISTS (SELECT FROM nodes WHERE nodes.id = one.node)
          AND EXISTS (SELECT FROM nodes WHERE nodes.id = ${node})
        ORDER BY id LIMIT ${PAGE} FOR UPDATE SKIP LOCKED)`.execute(db);
    const { rows } = await sql<{ id: string; task: string }>`
      UPDATE requested_runs SET node = ''
      WHERE node = ${node} AND task <> ALL (${[...tasks]}::text[])
      RETURNING id, task`.execute(db);
    for (const { id: runId, task } of rows)
      this.logger.warn({
        msg: `A run of the task ${task} is for any other node: this one takes no new runs, or knows the task no more`,
        runId,
        task,
      });
  }

  private get takes(): boolean {
    return !this.journal.sharing.draining && this.journal.options.role !== 'worker';
  }
}
