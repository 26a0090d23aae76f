/** So long may what is shown be, in tenths of the next power of ten: the scale stays while bars grow, and then takes a step. */
const SPANS = [10, 12, 15, 20, 25, 30, 40, 50, 60, 80, 100];
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
/** Steps of ticks above ten seconds. */
const STEPS = [
  ...[10_000, 15_000, 30_000].values(),
  ...[1, 2, 5, 10, 15, 30].map((minutes) => minutes * MINUTE),
  ...[1, 2, 3, 6, 12, 24].map((hours) => hours * HOUR),
];

/** The length of time that is shown, of which so much is needed. @param {number} ms */
export function spanOf(ms) {
  const needed = Math.max(ms * 1.02, 0.5);
  const power = 10 ** Math.floor(Math.log10(needed));
  const span = SPANS.find((tenths) => (tenths / 10) * power >= needed) ?? 100;
  return (span / 10) * power;
}

/**
 * @param {number} span
 * @param {number} most how many there is room for
 * @returns {{ at: number, text: string }[]}
 */
export function ticksOf(span, most) {
  const step = stepOf(span / Math.max(1, most));
  const count = Math.floor(span / step + 1e-9);
  return Array.from({ length: count + 1 }, (_, index) => ({
    at: index * step,
    text: tickText(index * step, step),
  }));
}

/** @param {number} least */
function stepOf(least) {
  if (least > 5_000) return STEPS.find((step) => step >= least) ?? Math.ceil(least / (24 * HOUR)) * 24 * HOUR;
  const power = 10 ** Math.floor(Math.log10(least));
  return ([1, 2, 5, 10].find((times) => times * power >= least) ?? 10) * power;
}

/** @param {number} ms @param {number} step */
function tickText(ms, step) {
  if (ms === 0) return '0';
  if (step < 1) return `${Number(ms.toPrecision(6))} ms`;
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < MINUTE || (step < 10_000 && ms < 2 * MINUTE)) return `${Number((ms / 1_000).toPrecision(6))} s`;
  if (ms < HOUR) return parts(Math.round(ms / 1_000), 'min', 's');
  return parts(Math.round(ms / MINUTE), 'h', 'min');
}

/** @param {number} count @param {string} large @param {string} small */
function parts(count, large, small) {
  const rest = count % 60;
  return `${Math.floor(count / 60)} ${large}${rest ? ` ${rest} ${small}` : ''}`;
}
