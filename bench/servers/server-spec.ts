/**
 * The letter that the tables and the ratios use: a is this service as it comes, m the service with its journal in
 * memory, b FastAPI, c the floor, e the service on an empty database, n a node of the service,
 * s the service in memory with metrics that are scraped, t with traces besides, o with metrics that are exported.
 */
export type ServerKey = 'a' | 'm' | 'b' | 'c' | 'e' | 'n' | 's' | 't' | 'o';

/** How to start one of the servers that a scenario compares. */
export interface ServerSpec {
  readonly key: ServerKey;
  readonly name: string;
  /** The program to start: a path, or a name on the PATH. */
  readonly file: string;
  readonly args: (port: number) => readonly string[];
  /** Added to the bench's own environment, besides PORT, HOST and DEMO_TIME_SCALE. */
  readonly env: Readonly<Record<string, string>>;
  /** True where `file` is Node, which can be probed. */
  readonly isNode: boolean;
  /** What answers 200 as soon as the server is ready. */
  readonly readyRoute: string;
  /** What was measured, for the reader of the results: versions and settings. */
  readonly about: string;
}

/** What every server answers, with status 200. */
export const FIRST_RESULT = 'First result';

/**
 * What another sub-task's victory looks like. At 1, 5 and 3 ms an event loop that was held up for some
 * milliseconds finds several timers due, and Node then need not fire the earliest of them first.
 */
export const OTHER_RESULTS: readonly unknown[] = ['Second result', 'Third result'];

export const ROUTE = '/run-tasks';
