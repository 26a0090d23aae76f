/** Which streams the readers read: those of all runs with every event, only with ends of runs, or each that of one run. */
export type Watch = 'ends' | 'runs' | 'everything';

/** What the bench tells the readers' process. Each command but the first is answered. */
export type ReadersCommand =
  | { readonly kind: 'open'; readonly url: string; readonly watch: Watch; readonly count: number }
  | { readonly kind: 'lap' }
  | { readonly kind: 'close' };

/** What the readers saw since the last command. */
export interface ReadersLap {
  readonly seconds: number;
  readonly events: number;
  readonly bytes: number;
  /** Streams that were opened. */
  readonly opened: number;
  /** Streams that ended otherwise than with their run, and answers other than 200. */
  readonly errors: number;
  /** How late events of ends of runs came, in milliseconds: from their time in the log to the reader. */
  readonly lateP50: number;
  readonly lateP99: number;
  readonly share: number;
}
