import type { Output } from '../command-line/command.js';

const HIDE_CURSOR = '\x1b[?25l';
const SHOW_CURSOR = '\x1b[?25h';
/** Lines must not wrap: wide letters could make one line take two rows, and the cursor would not return to the first line. */
const NO_WRAP = '\x1b[?7l';
const WRAP = '\x1b[?7h';

/**
 * Lines at the end of a terminal that are redrawn in place. The terminal is in its normal state after each drawing, so the command may
 * end at any time.
 */
export class LiveLines {
  private drawn = 0;

  constructor(private readonly screen: Output) {}

  /** @param above lines to keep above those that are redrawn */
  draw(lines: readonly string[], above: readonly string[] = []): void {
    const back = this.drawn > 0 ? `\x1b[${this.drawn}A` : '';
    const text = [...above, ...lines].map((line) => `${line}\x1b[K\n`).join('');
    this.screen.write(`${HIDE_CURSOR}${NO_WRAP}${back}\r${text}\x1b[J${SHOW_CURSOR}${WRAP}`);
    this.drawn = lines.length;
  }
}
