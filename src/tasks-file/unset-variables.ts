import type { Mistake, Path } from './mistake.js';
import type { YamlSource } from './yaml-source.js';

/** The environment variables that a file's tasks name and that are not set. */
export class UnsetVariables {
  readonly mistakes: Mistake[] = [];

  constructor(private readonly source: YamlSource) {}

  /** Reports a variable once for each place in the file, even if several sub-tasks inherit that place. */
  note(path: Path, message: string): void {
    const mistake = this.source.mistakeAt(path, message);
    const { line, column } = mistake;
    const isSame = (other: Mistake) =>
      other.line === line && other.column === column && other.message === message;
    if (!this.mistakes.some(isSame)) this.mistakes.push(mistake);
  }
}
