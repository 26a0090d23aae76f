import type { Peer } from '../peers/peers.ts';
import type { Disk } from '../support/disk.ts';
import { figure, spread, type Table } from '../support/table.ts';
import type { Survived } from './peers-kills.ts';

/** What a peer takes to set up. */
export interface Setup {
  readonly peer: Peer;
  readonly version: string;
  /** Undefined where the user writes none. */
  readonly lines: number | undefined;
  readonly processes: number;
}

/** One load on one peer. */
export interface PeerTurn {
  readonly peer: string;
  readonly job: string;
  readonly callers: number;
  readonly requestsPerSecond: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
  /** CPU microseconds, of all its processes together. */
  readonly cpuPerRequest: number;
  /** Bytes written to the disk that its data is on; undefined where the kernel doesn’t say. */
  readonly writtenPerRequest?: number;
  readonly residentBytes: number;
  readonly faults: number;
}

type Figure = Exclude<keyof PeerTurn, 'peer' | 'job' | 'callers'>;

/** A row for each figure, a column for each peer. */
export function resultTable(
  setups: readonly Setup[],
  turns: readonly PeerTurn[],
  survived: readonly Survived[],
): Table {
  const loads = [...new Set(turns.map(({ job, callers }) => `${job}; ${callers} callers`))];
  const rows: string[][] = [];
  const add = (name: string, of: (key: string) => string): void => {
    rows.push([name, ...setups.map(({ peer }) => of(peer.key))]);
  };
  for (const load of loads) {
    const these = turns.filter(({ job, callers }) => `${job}; ${callers} callers` === load);
    const measured = (key: string, name: Figure, decimals: number, unit = 1): string =>
      measuredIn(
        these.filter(({ peer }) => peer === key).map((turn) => (turn[name] ?? NaN) / unit),
        decimals,
      );
    add(`requests/s, ${load}`, (key) => measured(key, 'requestsPerSecond', 0));
    add(`p50 ms, ${load}`, (key) => measured(key, 'p50', 1));
    add(`p99 ms, ${load}`, (key) => measured(key, 'p99', 1));
    add(`CPU µs/request, ${load}`, (key) => measured(key, 'cpuPerRequest', 0));
    add(`KiB written/request, ${load}`, (key) => measured(key, 'writtenPerRequest', 1, 1024));
    add(`memory MiB, ${load}`, (key) => measured(key, 'residentBytes', 0, 2 ** 20));
    add(`no answers, ${load}`, (key) => measured(key, 'faults', 0));
  }
  for (const killed of ['itself', 'backing'] as const) {
    const what = killed === 'itself' ? 'it is killed' : 'its server is killed';
    const of = (key: string) => survived.filter((one) => one.peer === key && one.killed === killed);
    const sum = (key: string, name: 'told' | 'kept' | 'late' | 'twice') =>
      of(key).length === 0 ? '–' : figure(of(key).reduce((total, one) => total + one[name], 0));
    for (const name of ['told', 'kept', 'late', 'twice'] as const)
      add(`${name}, ${what}`, (key) => sum(key, name));
    add(`first answer ms, ${what}`, (key) =>
      measuredIn(
        of(key).map(({ firstAnswerMs }) => firstAnswerMs),
        0,
      ),
    );
    add(`last piece ms, ${what}`, (key) =>
      measuredIn(
        of(key).map(({ lastPieceMs }) => lastPieceMs),
        0,
      ),
    );
  }
  add('lines of code', (key) => figure(setups.find(({ peer }) => peer.key === key)?.lines));
  add('processes', (key) => figure(setups.find(({ peer }) => peer.key === key)?.processes));
  return { head: ['', ...setups.map(({ peer }) => peer.name)], rows };
}

export function notes(setups: readonly Setup[], { fileSystem, syncMs }: Disk): string[] {
  return [
    ...setups.map(({ peer, version }) => `${[peer.name, version].filter(Boolean).join(' ')}: ${peer.about}.`),
    'A peer may use all cores; the load generator is pinned to one.',
    'Written: to the whole disk, until all that waited is on it; so also what others write meanwhile.',
    `Data is on ${fileSystem ?? 'a disk'}, where 4 KiB more are on the disk after ${figure(syncMs, 2)} ms at the median.`,
    'Told: callers with an answer at the kill. Kept: all three pieces of theirs were done within 60 s of the restart; late: not all were. Twice: one was done more than once.',
  ];
}

/** Of a single turn, that alone. */
function measuredIn(values: readonly number[], decimals: number): string {
  return values.length > 1 ? spread(values, decimals) : figure(values[0], decimals);
}
