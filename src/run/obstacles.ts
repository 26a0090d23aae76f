import { createHash } from 'node:crypto';
import { NOT_SAMPLED, type Obstacle } from '../core/run.js';
import type { RunTerms } from './run-terms.js';

/** Why a sub-task that has not begun never does, by the clauses of its task: `when`, and the sample of a shadow. */
export function clauseAgainst(terms: RunTerms, name: string): Obstacle | undefined {
  const { id, definition, shadows, obstacles } = terms;
  const obstacle = obstacles?.get(name);
  if (obstacle !== undefined || !shadows?.includes(name)) return obstacle;
  const sample = definition?.shadows?.get(name)?.sample;
  return sample === undefined || isDrawn(id, name, sample) ? undefined : NOT_SAMPLED;
}

/** Whether a run is one of a share of all. Whoever goes on with it draws the same. */
function isDrawn(runId: string, name: string, sample: string): boolean {
  const drawn = createHash('sha256').update(`${runId} ${name}`).digest().readUInt32BE() / 2 ** 32;
  return drawn < Number.parseFloat(sample) / 100;
}
