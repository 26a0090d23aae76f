/** How many letters may be wrong, missing or too many in a name for another to be what was meant. */
const MOST_CHANGES = 2;

/** The one of `names` that `name` is most likely a misspelling of. */
export function nearest(name: string, names: readonly string[]): string | undefined {
  const changes = names.map((other) => [other, distance(name.toLowerCase(), other.toLowerCase())] as const);
  const [best] = changes
    .filter(([other, count]) => count <= MOST_CHANGES && count < other.length / 2)
    .toSorted(([, one], [, other]) => one - other);
  return best?.[0];
}

/** The Levenshtein distance. */
export function distance(one: string, other: string): number {
  let previous = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (const [row, letter] of Array.from(one.slice(0, 64)).entries()) {
    const current = [row + 1];
    for (const [column, letterOfOther] of Array.from(other).entries()) {
      const changed = (previous[column] ?? 0) + (letter === letterOfOther ? 0 : 1);
      current.push(Math.min(changed, (previous[column + 1] ?? 0) + 1, (current[column] ?? 0) + 1));
    }
    previous = current;
  }
  return previous.at(-1) ?? 0;
}
