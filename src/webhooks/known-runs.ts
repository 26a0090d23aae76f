import type { RunEvent } from '../core/events.js';
import type { RunRecord } from '../core/run-record.js';
import type { WebhookTarget } from '../core/webhook.schema.js';
import type { Journal } from '../run/journal.js';
import type { Runs } from '../run/runs.js';

/** How many runs are remembered; the journal is asked for others. */
const MOST_RUNS = 20_000;

/** The properties of a run that its deliveries need. */
export interface KnownRun {
  readonly traceparent: string | undefined;
  /** The run's own webhooks; undefined without any. */
  readonly webhooks: readonly WebhookTarget[] | undefined;
}

/** For most runs, and for runs that are gone. */
const NOTHING: KnownRun = { traceparent: undefined, webhooks: undefined };

/** The runs whose events were read lately. */
export class KnownRuns {
  private readonly known = new Map<string, KnownRun>();

  constructor(
    private readonly journal: Pick<Journal, 'run'>,
    private readonly live: Pick<Runs, 'get'>,
  ) {}

  get(runId: string): KnownRun | undefined {
    return this.known.get(runId);
  }

  /** To be called when the first event of a run was read. */
  started({ runId, data }: RunEvent<'run.started'>): void {
    this.keep(runId, data.traceparent, data.webhooks);
  }

  /**
   * Finds a run, in the journal if its first event wasn’t read recently.
   *
   * @throws {DomainError} `journal-unavailable`
   */
  async find(runId: string): Promise<KnownRun> {
    const found = this.known.get(runId);
    if (found) return found;
    const terms = this.live.get(runId)?.terms;
    if (terms) return this.keep(runId, terms.origin.traceparent, terms.webhooks);
    const record: Readonly<RunRecord> | undefined = await this.journal.run(runId);
    return this.keep(runId, record?.traceparent, record?.webhooks);
  }

  /** To be called when a run was erased. @param runId undefined when it may be any */
  forget(runId: string | undefined): void {
    if (runId === undefined) this.known.clear();
    else this.known.delete(runId);
  }

  private keep(
    runId: string,
    traceparent: string | null | undefined,
    webhooks: readonly WebhookTarget[] | undefined,
  ): KnownRun {
    const run =
      typeof traceparent === 'string' || webhooks
        ? { traceparent: traceparent ?? undefined, webhooks }
        : NOTHING;
    this.known.set(runId, run);
    if (this.known.size > MOST_RUNS)
      for (const oldest of this.known.keys()) {
        this.known.delete(oldest);
        break;
      }
    return run;
  }
}
