import type { RunEvent } from '../core/events.js';
import type { RunRecord } from '../core/run-record.js';
import type { WebhookTarget } from '../core/webhook.schema.js';
import type { Journal } from '../run/journal.js';
import type { Runs } from '../run/runs.js';

/** How many runs are remembered; the journal is asked for others. */
const MOST_RUNS = 20_000;

/** What deliveries need to know of a run besides its event. */
export interface KnownRun {
  readonly traceparent: string | undefined;
  /** Its own webhooks; undefined where it has none. */
  readonly webhooks: readonly WebhookTarget[] | undefined;
}

/** Of most runs, and of those that are gone. */
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

  /** A run’s first event was read. */
  started({ runId, data }: RunEvent<'run.started'>): void {
    this.keep(runId, data.traceparent, data.webhooks);
  }

  /**
   * What is on record of a run whose first event wasn’t read lately.
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

  /** A run is erased. @param runId undefined when it may be any */
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
