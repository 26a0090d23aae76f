import { stripVTControlCharacters } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import type { RunEvent } from '../core/events.js';
import { drawHead, drawRuns, type Canvas } from './draw.js';
import { eventLine } from './said.js';
import { WatchTable } from './watch-table.js';
import { WatchedRun } from './watched-run.js';

const BEGIN = Date.UTC(2026, 10, 23, 12);
const ID = '019a2b3c-4d5e-7f60-8a9b-0c1d2e3f4a5b';

type Said = readonly [ms: number, type: RunEvent['type'], data?: object, subTask?: string, attempt?: number];

const error = (message: string) => ({ error: { code: 'threw', message } });

const eventsOf = (...said: readonly Said[]): RunEvent[] =>
  said.map(([ms, type, data = {}, subTask, attempt = 1], index) => {
    const about = { id: index + 1, type, time: new Date(BEGIN + ms).toISOString(), runId: ID, task: 'demo' };
    return { ...about, ...(subTask !== undefined && { subTask, attempt }), data } as RunEvent;
  });

function runOf(...said: readonly Said[]): WatchedRun {
  const events = eventsOf(...said);
  const run = new WatchedRun(events[0]!);
  for (const event of events) run.apply(event);
  return run;
}

/** The id of a run that was made at a time. */
function idAt(ms: number): string {
  const hex = ms.toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8)}${ID.slice(13)}`;
}

const canvas = (ms: number, more: Partial<Canvas> = {}): Canvas => ({
  now: BEGIN + ms,
  columns: 100,
  rows: 24,
  colours: false,
  ...more,
});

const STARTED: Said[] = [
  [0, 'run.started', { subTasks: ['first', 'second', 'spare'] }],
  [0, 'sub-task.started', {}, 'first'],
  [0, 'sub-task.started', {}, 'second'],
];
const ANSWERED: Said[] = [
  [1_000, 'sub-task.succeeded', { result: 'First', durationMs: 1_000 }, 'first'],
  [
    1_001,
    'run.replied',
    {
      durationMs: 1_001,
      reply: { answeredBy: 'first', result: 'First' },
      status: 'running',
      background: ['second'],
    },
  ],
  [1_001, 'sub-task.skipped', { reason: 'not needed after the reply' }, 'spare'],
];
const RETRIED: Said[] = [
  [1_500, 'sub-task.retrying', { ...error('upstream is away'), delayMs: 500 }, 'second'],
  [2_000, 'sub-task.started', {}, 'second', 2],
];

describe('a watched run', () => {
  test('has a lane for each sub-task, with its attempts within the time of the run', () => {
    const run = runOf(...STARTED, ...ANSWERED, ...RETRIED);
    expect(drawRuns([run], canvas(4_000))).toEqual([
      `demo ${ID} running 4.00 s · answered by first after 1.00 s`,
      '  ✔ first   succeeded  ━━━━━━━━━━                                 1.00 s  ◀ answered',
      '  ● second  running    ━━━━━━━━━━━━━━━     ━━━━━━━━━━━━━━━━━━━━   4.00 s  attempt 2',
      '  – spare   skipped                                                       not needed after the reply',
    ]);
  });

  test('stands still when it is over', () => {
    const run = runOf(
      ...STARTED,
      ...ANSWERED,
      ...RETRIED,
      [2_500, 'sub-task.failed', { ...error('gone'), durationMs: 2_500 }, 'second', 2],
      [2_500, 'run.finished', { status: 'partly-failed' }],
    );
    expect(drawRuns([run], canvas(60_000))).toEqual([
      `demo ${ID} partly-failed 2.50 s · answered by first after 1.00 s`,
      expect.stringMatching(/^ {2}✔ first .* 1\.00 s {2}◀ answered$/),
      expect.stringMatching(/^ {2}✘ second {2}failed +━{24} {8}━{8} +2\.50 s {2}gone$/),
      expect.stringMatching(/^ {2}– spare/),
    ]);
  });

  test('goes on when it is reopened, and shows what a sub-task says of itself', () => {
    const run = runOf(
      ...STARTED,
      [500, 'sub-task.failed', { ...error('gone'), durationMs: 500 }, 'second'],
      [500, 'run.finished', { status: 'partly-failed' }],
      [3_000, 'run.reopened'],
      [3_000, 'sub-task.started', {}, 'second', 2],
      [3_100, 'sub-task.progressed', { value: { pages: 3 } }, 'second', 2],
    );
    const [head, , second] = drawRuns([run], canvas(4_000));
    expect(head).toBe(`demo ${ID} running 4.00 s`);
    expect(second).toMatch(/^ {2}● second {2}running .* {2}\{"pages":3\}$/);
  });

  test('shows of a stream that goes on how many chunks it has, and the newest', () => {
    const run = runOf(
      ...STARTED,
      [100, 'sub-task.streamed', { first: 0, chunks: ['He'] }, 'first'],
      [200, 'sub-task.streamed', { first: 1, chunks: ['llo', ', you'] }, 'first'],
    );
    const [, first] = drawRuns([run], canvas(300));
    expect(first).toMatch(/^ {2}● first {3}running .* {2}3 chunks: llo, you$/);
  });

  test('is never wider than the terminal, and has no bar where there is no room for one', () => {
    const run = runOf(...STARTED, ...ANSWERED, ...RETRIED);
    for (const columns of [20, 47, 48, 80, 200])
      for (const line of drawRuns([run], canvas(4_000, { columns })))
        expect(line.length).toBeLessThanOrEqual(columns);
    expect(drawRuns([run], canvas(4_000, { columns: 45 })).join('')).not.toContain('━');
    expect(drawRuns([run], canvas(4_000, { columns: 46 })).join('')).toContain('━');
  });

  test('is as high as the terminal at most: of several runs the newest are shown', () => {
    const runs = [1, 2, 3].map(() => runOf(...STARTED));
    expect(drawRuns(runs, canvas(10))).toHaveLength(12);
    const few = drawRuns(runs, canvas(10, { rows: 10 }));
    expect([few[0], few.length]).toEqual(['… and 1 more', 9]);
    expect(drawRuns(runs, canvas(10, { rows: 4 }))).toEqual([
      expect.stringMatching(/^demo /),
      expect.stringMatching(/first/),
      '  …',
    ]);
  });

  test('has the times of all of it when it is watched from its middle on', () => {
    const late = eventsOf(
      [3_000, 'sub-task.succeeded', { result: 'Third', durationMs: 2_900 }, 'third'],
      [5_000, 'run.finished', { status: 'succeeded' }],
    ).map((event) => ({ ...event, runId: idAt(BEGIN) }));
    const run = new WatchedRun(late[0]!);
    for (const event of late) run.apply(event);
    expect(drawRuns([run], canvas(60_000))).toEqual([
      `demo ${idAt(BEGIN)} succeeded 5.00 s · watched from its middle on`,
      expect.stringMatching(/^ {2}✔ third {2}succeeded {3}━{23} +2\.90 s$/),
    ]);
  });

  test('has colours only if they are wanted, and is the same without', () => {
    const run = runOf(...STARTED, ...ANSWERED);
    const coloured = drawRuns([run], canvas(4_000, { colours: true }));
    expect(coloured[1]).toContain('\x1b[32m');
    expect(coloured.map(stripVTControlCharacters)).toEqual(drawRuns([run], canvas(4_000)));
  });

  test('lets no text of others steer the terminal', () => {
    const evil = 'gone\x1b[2J\r\n\u202Esdrawkcab';
    const events = eventsOf(
      [0, 'sub-task.started', {}, 'second'],
      [5, 'sub-task.failed', { ...error(evil), durationMs: 5 }, 'second'],
      [6, 'run.replied', { reply: { error: { code: 'run-failed', message: evil } }, status: 'failed' }],
    );
    const run = new WatchedRun(events[0]!);
    for (const event of events) run.apply(event);
    const shown = [...drawRuns([run], canvas(10)), drawHead(run, canvas(10)), ...events.map(eventLine)];
    expect(shown.join('\n')).toContain('gone [2J sdrawkcab');
    // eslint-disable-next-line no-control-regex
    for (const line of shown) expect(line).not.toMatch(/[\x00-\x1f\u202E]/);
  });
});

describe('the table of watched runs', () => {
  test('keeps the oldest 500, counts the others, and has each that is over as one line', () => {
    let written = '';
    const table = new WatchTable({ write: (text) => (written += text), columns: 100, rows: 10 }, true);
    const [started, , ended] = eventsOf(...STARTED.slice(0, 2), [
      2_000,
      'run.finished',
      { status: 'succeeded' },
    ]);
    const ids = Array.from({ length: 600 }, (_, index) => idAt(BEGIN + index));
    for (const runId of ids) table.add({ ...started!, runId });
    const [slow] = eventsOf([1_000, 'sub-task.started', {}, 'slow', 2]);
    for (const runId of ids) table.add({ ...slow!, runId });
    for (const runId of [ids[499]!, ids[599]!]) table.add({ ...ended!, runId });
    table.end();
    expect(written.endsWith('\x1b[?25h\x1b[?7h')).toBe(true);
    const lines = stripVTControlCharacters(written)
      .split('\n')
      .map((line) => line.trim());
    expect(lines.filter((line) => line.includes(' succeeded '))).toEqual([
      `demo ${ids[499]} succeeded 2.00 s`,
      `demo ${ids[599]} succeeded 1.40 s · watched from its middle on`,
    ]);
    expect(lines).toContain('… and 597 more');
  });
});

describe('an event as a line', () => {
  test.each<[string, Said]>([
    ['started: a, b', [0, 'run.started', { subTasks: ['a', 'b'] }]],
    ['a started', [0, 'sub-task.started', {}, 'a']],
    ['a started, attempt 2', [0, 'sub-task.started', {}, 'a', 2]],
    ['a held back: the hedge budget is spent', [0, 'sub-task.held-back', {}, 'a']],
    ['a progressed: {"pages":3}', [0, 'sub-task.progressed', { value: { pages: 3 } }, 'a']],
    ['a streamed 1 chunk: He', [0, 'sub-task.streamed', { first: 0, chunks: ['He'] }, 'a']],
    [
      'a streamed 6 chunks: llo {"n":1}',
      [0, 'sub-task.streamed', { first: 4, chunks: ['llo ', { n: 1 }] }, 'a'],
    ],
    [
      'a cancelled after 2.00 s with 1 chunk and 7 tokens: why',
      [
        0,
        'sub-task.cancelled',
        { reason: 'why', durationMs: 2_000, stream: { chunks: 1, bytes: 3, tokens: 7 } },
        'a',
      ],
    ],
    [
      'a failed after 2.00 s with 0 chunks: no',
      [0, 'sub-task.failed', { ...error('no'), durationMs: 2_000, stream: { chunks: 0, bytes: 0 } }, 'a'],
    ],
    [
      'a succeeded in 12 ms with 2 chunks: "He"',
      [0, 'sub-task.succeeded', { result: 'He', durationMs: 12, stream: { chunks: 2, bytes: 2 } }, 'a'],
    ],
    [
      'answered by a after 1.50 s, first chunk after 210 ms',
      [0, 'run.replied', { reply: { answeredBy: 'a', result: 'He' }, durationMs: 1_500, firstChunkMs: 210 }],
    ],
    [
      'a failed, the next attempt is due in 1.50 s: no',
      [0, 'sub-task.retrying', { ...error('no'), delayMs: 1_500 }, 'a'],
    ],
    ['a succeeded in 12 ms: [1]', [0, 'sub-task.succeeded', { result: [1], durationMs: 12.4 }, 'a']],
    ['a failed after 1 min 15 s: no', [0, 'sub-task.failed', { ...error('no'), durationMs: 75_000 }, 'a']],
    ['a cancelled after 2.00 s: why', [0, 'sub-task.cancelled', { reason: 'why', durationMs: 2_000 }, 'a']],
    ['a skipped: why', [0, 'sub-task.skipped', { reason: 'why' }, 'a']],
    ['answered by a, b', [0, 'run.replied', { reply: { answeredBy: ['a', 'b'], result: {} } }]],
    [
      'not answered after 1 min 15 s: no',
      [0, 'run.replied', { reply: { error: { message: 'no' } }, durationMs: 75_000 }],
    ],
    ['finished: failed', [0, 'run.finished', { status: 'failed' }]],
    ['reopened', [0, 'run.reopened']],
    ['erased', [0, 'run.erased']],
  ])('says %j', (text, said) => {
    const [event] = eventsOf(said);
    expect(eventLine(event!)).toBe(`2026-11-23T12:00:00.000Z ${ID} demo ${text}`);
  });

  test('is cut where a result is long', () => {
    const [event] = eventsOf([0, 'sub-task.succeeded', { result: 'x'.repeat(5_000), durationMs: 1 }, 'a']);
    expect(eventLine(event!).length).toBeLessThan(400);
  });
});
