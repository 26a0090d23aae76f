/** The log has at most one line of each kind in so many milliseconds. */
const WINDOW_MS = 10_000;

/** Those of one kind that the log has not told of yet. */
export interface Gathered<Example> {
  count: number;
  /** One of them. */
  example?: Example;
}

interface Open<Example> extends Gathered<Example> {
  readonly timer: NodeJS.Timeout;
}

/** Keeps the log short about what may happen a thousand times a second: the first of a kind is told at once, then how many followed, every ten seconds. */
export class Gathering<Example> {
  private readonly open = new Map<string, Open<Example>>();

  constructor(private readonly tell: (kind: string, gathered: Gathered<Example>, seconds: number) => void) {}

  /** @returns what it is counted in; undefined for the first, which is to be told now */
  add(kind: string): Gathered<Example> | undefined {
    const gathered = this.open.get(kind);
    if (gathered) gathered.count += 1;
    else this.watch(kind);
    return gathered;
  }

  /** Tells of all that it has, before the process ends. */
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

  /** @returns whether there was anything to tell */
  private close(kind: string): boolean {
    const gathered = this.open.get(kind);
    this.open.delete(kind);
    if (!gathered || gathered.count === 0) return false;
    this.tell(kind, gathered, WINDOW_MS / 1000);
    return true;
  }
}
