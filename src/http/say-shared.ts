import type { Response } from 'express';

/** `ageMs` is set where an earlier run answers. */
interface Aged {
  readonly ageMs?: number | undefined;
}

interface SharedRun {
  readonly coalesced?: boolean | undefined;
  readonly reused?: Aged | undefined;
}

/**
 * Says in headers that a run of another request answers (`Cache-Status`, RFC 9211), and how old its reply is (`Age`, RFC 9111).
 *
 * @param answer undefined as long as there is no answer
 */
export function sayShared(response: Response, run: SharedRun, answer: Aged | undefined = run.reused): void {
  if (answer?.ageMs !== undefined) {
    response.setHeader('Age', Math.floor(answer.ageMs / 1_000));
    response.setHeader('Cache-Status', `Frontrunner; ${run.reused ? 'hit' : 'fwd=stale'}`);
  } else if (run.coalesced) response.setHeader('Cache-Status', 'Frontrunner; fwd=miss; collapsed');
}
