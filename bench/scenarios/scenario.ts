import type { Options } from '../options.ts';
import type { Report } from '../support/results.ts';
import type { Stage } from '../support/stage.ts';

/** One thing to measure. A new one is a file here and an entry in ../main.ts. */
export interface Scenario {
  readonly name: string;
  /** One line for --help. */
  readonly summary: string;
  readonly play: (stage: Stage, options: Options) => Promise<Report>;
}
