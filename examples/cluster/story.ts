import { styleText } from 'node:util';

type Style = Parameters<typeof styleText>[0];

const INDENT = ' '.repeat(10);

/** Tells what happens as it happens, each with its second, until it is told to be silent. */
export class Story {
  readonly #signal: AbortSignal;
  readonly #begun = performance.now();

  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  /** The first line has the time; the others stand beneath it. */
  tell(lines: string | readonly string[], style: Style = 'reset'): void {
    const seconds = ((performance.now() - this.#begun) / 1000).toFixed(1).padStart(5);
    const [first = '', ...others] = [lines].flat();
    this.#print(`${seconds} s   ${first}`, style);
    for (const line of others) this.#print(INDENT + line, style);
  }

  /** Lines of their own, beneath an empty one. */
  show(lines: string | readonly string[], style: Style = 'reset'): void {
    for (const line of ['', lines].flat()) this.#print(line, style);
  }

  #print(line: string, style: Style): void {
    if (this.#signal.aborted) return;
    process.stdout.write(
      `${style === 'reset' ? line : styleText(style, line, { stream: process.stdout })}\n`,
    );
  }
}
