/** A text of others on one line of a terminal: without what steers it, or turns its letters round. */
export function plain(text: string): string {
  return text.replaceAll(/[\p{C}\p{Zl}\p{Zp}]+/gu, ' ');
}

/** A time in milliseconds, in three digits or so. */
export function span(ms: number): string {
  const rounded = Math.max(0, Math.round(ms));
  if (rounded < 1_000) return `${rounded} ms`;
  if (rounded < 59_995) return `${(rounded / 1_000).toFixed(rounded < 9_995 ? 2 : 1)} s`;
  const seconds = Math.round(rounded / 1_000);
  const [hours, minutes] = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60];
  return hours > 0 ? `${hours} h ${minutes} min` : `${minutes} min ${seconds % 60} s`;
}
