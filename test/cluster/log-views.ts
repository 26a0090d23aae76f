import { isDeepStrictEqual } from 'node:util';
import type { RunEvent } from '../../src/core/events.js';
import { digestOf } from '../webhooks/receivers.ts';
import { pagesOf } from '../webhooks/webhooks.ts';
import type { Cluster } from './cluster.ts';
import type { LogReader } from './log-reader.ts';

/** Of what was wrong with one reader, so much is told. */
const MAX_OWN = 5;

interface EventRow {
  readonly id: number;
  readonly runId: string;
  readonly type: string;
  readonly subTask: string | null;
  readonly attempt: number | null;
  /** JSON */
  readonly data: string;
}

/** Where what nodes and readers have of the log is not what the database has. */
export async function proveViews(cluster: Cluster, readers: readonly LogReader[]): Promise<string[]> {
  const violations: string[] = [];
  let digests: string[] | undefined;
  for (const [index, { url }] of cluster.nodes.entries()) {
    const name = `Node ${String(index)}`;
    const seen: string[] = [];
    for await (const events of pagesOf(String(url))) {
      if (!digests) violations.push(...(await comparePage(cluster, events)));
      seen.push(...events.map(digestOf));
    }
    digests ??= seen;
    violations.push(...compare(name, seen, digests));
  }
  for (const { name, digests: seen, violations: own } of readers) {
    // A log that is repeated is a long list.
    violations.push(...own.slice(0, MAX_OWN), ...compare(name, seen, digests ?? []));
  }
  return violations;
}

async function comparePage(cluster: Cluster, events: readonly RunEvent[]): Promise<string[]> {
  const [first = 0, last = 0] = [events[0]?.id, events.at(-1)?.id];
  const rows = await cluster.rows<EventRow>(`
    SELECT id, run_id AS "runId", type, sub_task AS "subTask", attempt, data
    FROM events WHERE id BETWEEN ${String(first)} AND ${String(last)} ORDER BY id`);
  return rows.flatMap((row, index) =>
    isDeepStrictEqual({ ...row, data: shownData(row) }, partsOf(events[index]))
      ? []
      : [
          `Event ${String(row.id)} is ${JSON.stringify(row)}, but is shown as ${JSON.stringify(events[index])}`,
        ],
  );
}

/** Without what is kept of an event and never shown. */
function shownData({ data }: EventRow): unknown {
  const { webhooks: _, ...shown } = JSON.parse(data) as { readonly webhooks?: unknown };
  return shown;
}

function partsOf(event: RunEvent | undefined): unknown {
  if (!event) return undefined;
  const { id, runId, type, data } = event;
  const { subTask, attempt } = 'subTask' in event ? event : { subTask: null, attempt: null };
  return { id, runId, type, subTask, attempt, data };
}

function compare(name: string, seen: readonly string[], digests: readonly string[]): string[] {
  if (seen.length !== digests.length)
    return [`${name} has ${String(seen.length)} events of ${String(digests.length)}`];
  const at = seen.findIndex((digest, index) => digest !== digests[index]);
  return at < 0 ? [] : [`${name} has another event ${String(at + 1)}`];
}
