/** Foreign text on one line of a terminal, without control characters and characters that change the direction of text. */
export function plain(text: string): string {
  return text.replaceAll(/[\p{C}\p{Zl}\p{Zp}]+/gu, ' ');
}

/** A duration in milliseconds, rounded to about three digits. */
export function span(ms: number): string {
  const rounded = Math.max(0, Math.round(ms));
  if (rounded < 1_000) return `${rounded} ms`;
  if (rounded < 59_995) return `${(rounded / 1_000).toFixed(rounded < 9_995 ? 2 : 1)} s`;
  const seconds = Math.round(rounded / 1_000);
  const [hours, minutes] = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60];
  return hours > 0 ? `${hours} h ${minutes} min` : `${minutes} min ${seconds % 60} s`;
}
