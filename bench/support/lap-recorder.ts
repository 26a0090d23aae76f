import { createHistogram } from 'node:perf_hooks';
import { FIRST_RESULT, OTHER_RESULTS } from '../servers/server-spec.ts';
import type { Lap } from './generator-protocol.ts';

const noCounts = () => ({ completed: 0, non2xx: 0, otherWinners: 0, wrongBodies: 0, errors: 0 });

/** Counts answers between two commands. Latencies go into a histogram of microseconds, three digits exact. */
export class LapRecorder {
  readonly #latencies = createHistogram({ figures: 3 });
  #counts = noCounts();
  #startedAt = performance.now();
  #cpu = process.cpuUsage();

  answered(status: number, milliseconds: number): void {
    if (status < 200 || status > 299) {
      this.#counts.non2xx++;
      return;
    }
    this.#counts.completed++;
    this.#latencies.record(Math.max(1, Math.round(milliseconds * 1000)));
  }

  /** Looks at the body of an answer, and returns whether it is some sub-task's result. */
  sawResult(text: string): boolean {
    const verdict = judge(text);
    if (verdict === 'other') this.#counts.otherWinners++;
    if (verdict === 'wrong') this.#counts.wrongBodies++;
    return verdict !== 'wrong';
  }

  /** Looks whether the body of an answer is a reply with the first result, whoever brought it. */
  sawReply(text: string): void {
    if (!text.includes(`"result":${JSON.stringify(FIRST_RESULT)}`)) this.#counts.wrongBodies++;
  }

  /** Looks whether the body of an answer is the run of that id. */
  sawRun(text: string, id: string): void {
    if (!text.includes(`"id":"${id}"`)) this.#counts.wrongBodies++;
  }

  /** Looks whether the body of an answer is a page of runs, and returns it. */
  sawPage(text: string): boolean {
    const isPage = text.startsWith('{"runs":[') && text.includes('],"next":');
    if (!isPage) this.#counts.wrongBodies++;
    return isPage;
  }

  failed(): void {
    this.#counts.errors++;
  }

  /** Ends the lap and begins the next. */
  finish(): Lap {
    const seconds = (performance.now() - this.#startedAt) / 1000;
    const cpu = process.cpuUsage(this.#cpu);
    const milliseconds = (percentile: number) =>
      this.#counts.completed === 0 ? NaN : this.#latencies.percentile(percentile) / 1000;
    const lap: Lap = {
      seconds,
      ...this.#counts,
      p50: milliseconds(50),
      p99: milliseconds(99),
      p999: milliseconds(99.9),
      generatorShare: (cpu.user + cpu.system) / 1e6 / seconds,
    };
    this.#latencies.reset();
    this.#counts = noCounts();
    this.#startedAt = performance.now();
    this.#cpu = process.cpuUsage();
    return lap;
  }
}

/** 'first' and 'other' are sub-tasks that won; 'wrong' is any other body. */
type Verdict = 'first' | 'other' | 'wrong';

const known = new Map<string, Verdict>();

/** Compares as JSON, for servers differ in their spaces, and remembers the few texts that are right. */
function judge(text: string): Verdict {
  const before = known.get(text);
  if (before) return before;
  const verdict = verdictOn(resultIn(text));
  if (verdict !== 'wrong') known.set(text, verdict);
  return verdict;
}

function verdictOn(result: unknown): Verdict {
  if (result === FIRST_RESULT) return 'first';
  return OTHER_RESULTS.includes(result) ? 'other' : 'wrong';
}

function resultIn(text: string): unknown {
  try {
    return (JSON.parse(text) as { result?: unknown } | null)?.result;
  } catch {
    return undefined;
  }
}
