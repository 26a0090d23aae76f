const MAX_LISTED = 500;

export function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** Says the first violations. */
export function list(violations: readonly string[]): void {
  for (const violation of violations.slice(0, MAX_LISTED)) say(`- ${violation}`);
  if (violations.length > MAX_LISTED) say(`- and so on`);
}

export function figure(count: number): string {
  return count.toLocaleString('en');
}
