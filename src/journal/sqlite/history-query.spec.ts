import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { sql } from 'kysely';
import { storeOptions } from '../../../test/support/store-options.js';
import { temporaryDirectory } from '../../../test/support/temporary-directory.js';
import { RUN_STATUSES } from '../../core/run.js';
import { historyQuery } from '../history-query.js';
import type { RunQuery } from '../../run/journal-pages.js';
import { openDatabase } from './sqlite-database.js';
import { HISTORY, rowsOf } from './sqlite-history.js';

const directory = temporaryDirectory();

const finders: Pick<RunQuery, 'task' | 'client' | 'requestId' | 'traceId'>[] = [
  {},
  { task: 'demo' },
  { client: 'ci:1' },
  { task: 'demo', client: 'ci:1' },
  { traceId: 't', client: 'ci:1' },
  { requestId: 'q', traceId: 't', task: 'demo' },
];
const combinations: RunQuery[] = finders.flatMap((finder) =>
  [undefined, RUN_STATUSES.slice(0, 1), RUN_STATUSES.slice(1, 3)].flatMap((statuses) =>
    [undefined, 1].flatMap((since) =>
      [undefined, 9].flatMap((until) =>
        [undefined, { createdAt: 5, number: 5 }].map((olderThan) => ({
          ...finder,
          ...{ statuses, since, until, olderThan, limit: 200 },
        })),
      ),
    ),
  ),
);

describe('historyQuery', () => {
  let database: DatabaseSync;
  beforeAll(() => {
    database = openDatabase(storeOptions(join(directory, 'runs.db')));
  });
  afterAll(() => {
    database.close();
  });

  function planOf(query: RunQuery, of = database): string[] {
    const explained = sql<{ detail: string }>`EXPLAIN QUERY PLAN ${historyQuery(query, HISTORY)}`;
    return rowsOf(of, explained).map(({ detail }) => detail);
  }

  test.each(combinations)(
    'reads a range of an index for each status, and sorts nothing: $task, $client, $requestId, $traceId, $statuses, $since, $until, $olderThan',
    async (query) => {
      const { task, client, requestId, traceId, statuses = RUN_STATUSES } = query;
      const byTask = task === undefined ? 'runs_of_status (' : 'runs_of_task (task=? AND ';
      const byClient = client === undefined ? byTask : 'runs_of_client (client=? AND ';
      const byTrace = traceId === undefined ? byClient : 'runs_of_trace (trace_id=? AND ';
      const index = requestId === undefined ? byTrace : 'runs_of_request (request_id=? AND ';
      const finished = `SEARCH runs USING INDEX ${index}status=? AND created_at>? AND created_at<?)`;
      const open = 'SEARCH open_runs USING INDEX open_runs_by_age (created_at>? AND created_at<?)';
      const steps = planOf(query).filter((step) => !/^(MERGE \(UNION ALL\)|LEFT|RIGHT)$/.test(step));
      expect(steps).toEqual(
        statuses.map((status) => (status === 'running' || status === 'set-aside' ? open : finished)),
      );
    },
  );

  test.each<Partial<RunQuery>>([
    { labels: ['a:b'] },
    {
      labels: ['a:b', 'c:d'],
      task: 'demo',
      client: 'ci:1',
      since: 1,
      olderThan: { createdAt: 5, number: 5 },
    },
  ])('begins with the runs of a label, and sorts nothing: $labels', async (query) => {
    const statuses = ['running', 'succeeded', 'failed'] as const;
    const steps = planOf({ limit: 200, statuses, ...query });
    const ofLabel = 'SEARCH one USING PRIMARY KEY (label=? AND labelled_at>? AND (labelled_at,run)<(?,?))';
    expect(steps.filter((step) => step === ofLabel)).toHaveLength(3);
    for (const step of steps) expect(step).not.toMatch(/SCAN|TEMP B-TREE/);
  });

  test('begins with the runs of a request, whatever their labels', () => {
    const steps = planOf({ limit: 200, statuses: ['succeeded'], requestId: 'q', labels: ['a:b'] });
    expect(steps[0]).toMatch(/^SEARCH runs USING INDEX runs_of_request \(request_id=\? AND status=\?/);
    for (const step of steps) expect(step).not.toMatch(/SCAN|TEMP B-TREE/);
  });

  test('keeps its plan whatever SQLite has learnt of the values', () => {
    const learning = openDatabase(storeOptions(join(directory, 'learning.db')));
    const plans = () => combinations.map((query) => planOf(query, learning));
    learning.exec(`INSERT INTO runs (number, id, task, status, created_at, finished_at, commits, client)
      VALUES (1, 'r1', 'demo', 'succeeded', 1, 1, '[1]', 'ci:1');
      INSERT INTO open_runs (number, id, task, created_at) VALUES (2, 'r2', 'demo', 1)`);
    const before = plans();
    learning.exec('ANALYZE');
    expect(plans()).toEqual(before);
    learning.close();
  });
});
