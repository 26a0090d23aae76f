import type { Output } from '../command-line/command.js';

const HIDE_CURSOR = '\x1b[?25l';
const SHOW_CURSOR = '\x1b[?25h';
/** Wide letters would make a line two, and the lines before it wouldn't be found again. */
const NO_WRAP = '\x1b[?7l';
const WRAP = '\x1b[?7h';

/** Lines at the end of a terminal that are drawn anew in their place. After each drawing the terminal is as it was, whatever ends the command. */
export class LiveLines {
  private drawn = 0;

  constructor(private readonly screen: Output) {}

  /** @param above lines that stay for good, over those that are drawn anew */
  draw(lines: readonly string[], above: readonly string[] = []): void {
    const back = this.drawn > 0 ? `\x1b[${this.drawn}A` : '';
    const text = [...above, ...lines].map((line) => `${line}\x1b[K\n`).join('');
    this.screen.write(`${HIDE_CURSOR}${NO_WRAP}${back}\r${text}\x1b[J${SHOW_CURSOR}${WRAP}`);
    this.drawn = lines.length;
  }
}
