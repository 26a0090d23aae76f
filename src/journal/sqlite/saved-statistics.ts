import type { SavedStatistics, StatisticsSlice, Stretch } from '../../run/journal.js';
import type { Statements } from './statements.js';

/** For the parameters see the journal. To be called in a transaction. */
export function saveStatistics(
  statements: Statements,
  { slices, upTo, readFrom }: SavedStatistics,
  { from, to }: Stretch,
): void {
  const rows = slices.flatMap(({ task, start, data }) => [task, start, data]);
  statements.insert('statistics (task, start, data)', 3, rows, 'REPLACE');
  statements.run('DELETE FROM statistics WHERE start < ? OR start > ?', from, to);
  statements.insert('counted_events (only, up_to, read_from)', 3, [1, upTo, readFrom], 'REPLACE');
}

export function savedStatistics(statements: Statements): SavedStatistics | undefined {
  return statements.snapshot(() => {
    const [counted] = statements.all<Omit<SavedStatistics, 'slices'>>(
      'SELECT up_to AS upTo, read_from AS readFrom FROM counted_events',
    );
    const slices = statements.all<StatisticsSlice>('SELECT task, start, data FROM statistics');
    return counted && { ...counted, slices };
  });
}
