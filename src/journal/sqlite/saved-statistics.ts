import type { SavedStatistics, StatisticsSlice, Stretch } from '../../run/journal.js';
import { expectWritten, withChecksums } from './row-checksum.js';
import type { Statements } from './statements.js';

interface Checked {
  readonly checksum: number | null;
}

const COUNTED = 'SELECT up_to AS upTo, read_from AS readFrom, checksum FROM counted_events';
const SLICES = 'SELECT task, start, data, checksum FROM statistics';

/** For the parameters see the journal. To be called in a transaction. */
export function saveStatistics(
  statements: Statements,
  { slices, upTo, readFrom }: SavedStatistics,
  { from, to }: Stretch,
): void {
  const rows = slices.flatMap(({ task, start, data }) => [task, start, data]);
  statements.insert('statistics (task, start, data, checksum)', 4, withChecksums(3, rows), 'REPLACE');
  statements.run('DELETE FROM statistics WHERE start < ? OR start > ?', from, to);
  const counted = withChecksums(3, [1, upTo, readFrom]);
  statements.insert('counted_events (only, up_to, read_from, checksum)', 4, counted, 'REPLACE');
}

/** @throws {StoreError} `damaged` for a row that isn't as it was written */
export function savedStatistics(statements: Statements): SavedStatistics | undefined {
  return statements.snapshot(() => {
    const [counted] = statements.all<Omit<SavedStatistics, 'slices'> & Checked>(COUNTED);
    if (!counted) return undefined;
    const { upTo, readFrom } = counted;
    expectWritten('how far statistics reach', counted.checksum, [1, upTo, readFrom]);
    const slices = statements.all<StatisticsSlice & Checked>(SLICES);
    for (const { task, start, data, checksum } of slices)
      expectWritten(`a row of statistics of ${task}`, checksum, [task, start, data]);
    return { upTo, readFrom, slices: slices.map(({ task, start, data }) => ({ task, start, data })) };
  });
}
