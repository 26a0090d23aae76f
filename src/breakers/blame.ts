import type { AttemptError } from '../core/run.js';

/** What a failed attempt tells about its upstream: that it is sick, that it answers, or nothing. */
export type Blame = 'sick' | 'answers' | 'nothing';

/** Statuses below 500 that say that an upstream can’t keep up. */
const SICK: ReadonlySet<number> = new Set([408, 429]);

/** Decides whether a failed attempt is the fault of its upstream, and not of the request or its caller. */
export function blameOf({ code, upstream, final }: AttemptError): Blame {
  switch (code) {
    case 'timeout':
    case 'stream-stalled':
    case 'stream-empty':
    case 'upstream-unreachable':
    case 'upstream-unfit':
      return 'sick';
    case 'upstream-status':
      return upstream && upstream.status < 500 && !SICK.has(upstream.status) ? 'answers' : 'sick';
    case 'threw':
      return final ? 'nothing' : 'sick';
    case 'result-not-json':
    case 'result-too-large':
    case 'result-unfit':
    case 'result-unstorable':
      return 'answers';
    default:
      return 'nothing';
  }
}
