import { createHash } from 'node:crypto';
import { NOT_SAMPLED, type Obstacle } from '../core/run.js';
import type { RunTerms } from './run-terms.js';

/** Why a sub-task never begins, by the clauses of its task: `when`, or the sample of a shadow. Undefined where it may begin. */
export function clauseAgainst(terms: RunTerms, name: string): Obstacle | undefined {
  const { id, definition, shadows, obstacles } = terms;
  const obstacle = obstacles?.get(name);
  if (obstacle !== undefined || !shadows?.includes(name)) return obstacle;
  const sample = definition?.shadows?.get(name)?.sample;
  return sample === undefined || isDrawn(id, name, sample) ? undefined : NOT_SAMPLED;
}

/** Whether a run is in the sample. Every process that resumes the run draws the same. */
function isDrawn(runId: string, name: string, sample: string): boolean {
  const drawn = createHash('sha256').update(`${runId} ${name}`).digest().readUInt32BE() / 2 ** 32;
  return drawn < Number.parseFloat(sample) / 100;
}
