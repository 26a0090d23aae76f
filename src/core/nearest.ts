/** Most letters by which a misspelt name may differ from the name that was meant. */
const MOST_CHANGES = 2;

/** The entry of `names` that a misspelt `name` most likely means. Undefined where no entry is close enough. */
export function nearest(name: string, names: readonly string[]): string | undefined {
  const changes = names.map((other) => [other, distance(name.toLowerCase(), other.toLowerCase())] as const);
  const [best] = changes
    .filter(([other, count]) => count <= MOST_CHANGES && count < other.length / 2)
    .toSorted(([, one], [, other]) => one - other);
  return best?.[0];
}

/** How many letters are wrong, missing, too many, or swapped with their neighbour: the optimal string alignment distance. */
export function distance(one: string, other: string): number {
  let before: readonly number[] = [];
  let previous = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (const [row, letter] of Array.from(one.slice(0, 64)).entries()) {
    const current = [row + 1];
    for (const [column, letterOfOther] of Array.from(other).entries()) {
      const changed = (previous[column] ?? 0) + (letter === letterOfOther ? 0 : 1);
      const isSwapped = letter === other[column - 1] && letterOfOther === one[row - 1];
      const swapped = isSwapped ? (before[column - 1] ?? 0) + 1 : Infinity;
      current.push(Math.min(changed, swapped, (previous[column + 1] ?? 0) + 1, (current[column] ?? 0) + 1));
    }
    before = previous;
    previous = current;
  }
  return previous.at(-1) ?? 0;
}
