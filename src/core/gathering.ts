/** Least time between two log lines of one kind, in milliseconds. */
const WINDOW_MS = 10_000;

/** Occurrences of one kind that are not logged yet. */
export interface Gathered<Example> {
  count: number;
  /** One of these occurrences. */
  example?: Example;
}

interface Open<Example> extends Gathered<Example> {
  readonly timer: NodeJS.Timeout;
}

/**
 * Keeps the log short about things that may happen a thousand times a second. The caller logs the first occurrence of a kind at once.
 * Then `tell` gets the number of further occurrences every ten seconds.
 */
export class Gathering<Example> {
  private readonly open = new Map<string, Open<Example>>();

  constructor(private readonly tell: (kind: string, gathered: Gathered<Example>, seconds: number) => void) {}

  /** @returns the counter that now includes the occurrence; undefined for the first, which the caller logs now */
  add(kind: string): Gathered<Example> | undefined {
    const gathered = this.open.get(kind);
    if (gathered) gathered.count += 1;
    else this.watch(kind);
    return gathered;
  }

  /** Logs all that was gathered, before the process ends. */
  end(): void {
    for (const [kind, { timer }] of this.open) {
      clearTimeout(timer);
      this.close(kind);
    }
  }

  private watch(kind: string): void {
    const timer = setTimeout(() => {
      if (this.close(kind)) this.watch(kind);
    }, WINDOW_MS).unref();
    this.open.set(kind, { timer, count: 0 });
  }

  /** @returns whether there was anything to log */
  private close(kind: string): boolean {
    const gathered = this.open.get(kind);
    this.open.delete(kind);
    if (!gathered || gathered.count === 0) return false;
    this.tell(kind, gathered, WINDOW_MS / 1000);
    return true;
  }
}
