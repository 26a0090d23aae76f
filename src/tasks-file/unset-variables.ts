import type { Mistake, Path } from './mistake.js';
import type { YamlSource } from './yaml-source.js';

/** The variables that the tasks of a file name and that the environment has not. */
export class UnsetVariables {
  readonly mistakes: Mistake[] = [];

  constructor(private readonly source: YamlSource) {}

  /** Notes a variable once at a place, however many sub-tasks have it from there. */
  note(path: Path, message: string): void {
    const mistake = this.source.mistakeAt(path, message);
    const { line, column } = mistake;
    const isSame = (other: Mistake) =>
      other.line === line && other.column === column && other.message === message;
    if (!this.mistakes.some(isSame)) this.mistakes.push(mistake);
  }
}
