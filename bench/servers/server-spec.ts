/** How to start one of the servers that a scenario compares. */
export interface ServerSpec {
  /** The letter that the tables and the ratios use: a is this service, b FastAPI, c the floor. */
  readonly key: 'a' | 'b' | 'c';
  readonly name: string;
  /** The program to start: a path, or a name on the PATH. */
  readonly file: string;
  readonly args: (port: number) => readonly string[];
  /** Added to the bench's own environment, besides PORT, HOST and DEMO_TIME_SCALE. */
  readonly env: Readonly<Record<string, string>>;
  /** True where `file` is Node, whose heap can be probed. */
  readonly isNode: boolean;
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
