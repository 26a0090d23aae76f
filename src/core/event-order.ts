/** Index of the first item whose id is greater than `after`, or the length where there is none. @param items sorted by id */
export function indexBehind(items: readonly { readonly id: number }[], after: number): number {
  let [low, high] = [0, items.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((items[middle]?.id ?? 0) > after) high = middle;
    else low = middle + 1;
  }
  return low;
}
