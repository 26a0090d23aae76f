/** Where the first item is whose id is behind `after`, of items in the order of their ids. */
export function indexBehind(items: readonly { readonly id: number }[], after: number): number {
  let [low, high] = [0, items.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((items[middle]?.id ?? 0) > after) high = middle;
    else low = middle + 1;
  }
  return low;
}
