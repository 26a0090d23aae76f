import type { Fate } from './account.ts';

/** More runs than this are shown in groups of those with the same fate. */
const MAX_ROWS = 30;

/** What became of each run, as the lines of a table. */
export function fateTable(fates: readonly Fate[], killed: string): string[] {
  const head = [
    'run',
    'accepted by',
    'answered after',
    `under way when ${killed} died → finished by`,
    'attempts',
    'status',
  ];
  const isShort = fates.length <= MAX_ROWS;
  const groups = [...Map.groupBy(fates, (fate) => (isShort ? fate.call.number : keyOf(fate))).values()];
  const rows = groups.map((group) => {
    const [fate] = group;
    const label = isShort ? String(fate?.call.number) : `× ${String(group.length)}`;
    return fate ? [label, ...cellsOf(fate, timeOf(group))] : [];
  });
  return aligned([head, ...rows]);
}

function keyOf(fate: Fate): string {
  return cellsOf(fate, answererOf(fate)).join('|');
}

function cellsOf({ call, run, rescued }: Fate, answered: string): string[] {
  return [
    call.answer?.acceptedBy.name ?? call.node.name,
    answered,
    rescued.map(({ subTask, by }) => `${subTask} → ${by}`).join(', ') || '–',
    run?.subTasks.map(({ attempts }) => attempts).join(' ') ?? '–',
    run?.status ?? 'lost',
  ];
}

function timeOf(group: readonly Fate[]): string {
  const times = group.flatMap(({ call }) => call.answer?.ms ?? []).sort((a, b) => a - b);
  const [least, most] = [times[0], times.at(-1)];
  if (least === undefined || most === undefined) return 'never';
  const [from, to] = [seconds(least), seconds(most)];
  const [fate] = group;
  return `${from === to ? from : `${from} – ${to}`} s${fate ? answererOf(fate) : ''}`;
}

/** Named where it is not the node that accepted the run. */
function answererOf({ call: { answer, node } }: Fate): string {
  return answer && answer.acceptedBy !== node ? `, by ${node.name}` : '';
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(2);
}

function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const lines = rows.map((row) =>
    widths
      .map((width, column) => (row[column] ?? '').padEnd(width))
      .join('   ')
      .trimEnd(),
  );
  return [lines[0] ?? '', widths.map((width) => '─'.repeat(width)).join('   '), ...lines.slice(1)];
}
