import { DomainError } from '../core/domain-error.js';
import type { RunStanding } from '../core/run-standing.js';
import type { RunSummary } from '../run/journal-pages.js';
import type { RunWatch } from '../tasks/run-watch.js';

/** The standing of a run that was erased since it was found. */
const NOTHING: RunStanding = { repliedAt: null, answeredBy: null, unfinished: [] };

/**
 * Runs as a list shows them. What the journal doesn’t keep beside its events is asked of one after the other: those have results of
 * any size.
 */
export async function listedRuns(found: readonly RunSummary[], watch: RunWatch, link: string) {
  const listed = [];
  for (const { reply, labels, ...run } of found) {
    const { repliedAt, answeredBy, unfinished } = reply
      ? { ...reply, unfinished: [] }
      : await standing(watch, run.id);
    listed.push({
      ...run,
      repliedAt,
      replyMs: repliedAt === null ? null : Date.parse(repliedAt) - Date.parse(run.createdAt),
      answeredBy,
      unfinished,
      ...(labels && { labels }),
      links: { run: `${link}/${run.id}` },
    });
  }
  return listed;
}

async function standing(watch: RunWatch, id: string): Promise<RunStanding> {
  try {
    return await watch.standing(id);
  } catch (error) {
    if (error instanceof DomainError && error.code === 'run-unknown') return NOTHING;
    throw error;
  }
}
