/** The way to a value in the file: names of members and indexes of entries. */
export type Path = readonly PropertyKey[];

/** Lines and columns count from 1. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** One thing that is wrong with a tasks file. It has no line where the file can't be read. */
export interface Mistake extends Partial<Place> {
  readonly file: string;
  readonly path: Path;
  /** What is wrong, and the mend. */
  readonly message: string;
}

/** More than these are of no use to anybody: they are only counted. */
const SHOWN = 100;

/** Wrong tasks in a file. The message has a line for each mistake: file, line, column, member, what is wrong and the mend. */
export class TasksFileError extends Error {
  constructor(
    readonly lines: readonly string[],
    readonly mistakes: readonly Mistake[] = [],
  ) {
    super(`TASKS_FILE is wrong:\n${lines.map((line) => `  ${line}`).join('\n')}`);
    this.name = 'TasksFileError';
  }
}

/** `tasks.yaml:12:7: tasks.weather.subTasks[0].url: is missing`, for each mistake. */
export function mistakeLines(mistakes: readonly Mistake[]): string[] {
  const lines = mistakes.map(({ file, line, column, path, message }) =>
    [[file, line, column].filter((part) => part !== undefined).join(':'), pathText(path), message]
      .filter((part) => part !== '')
      .join(': '),
  );
  const rest = lines.length - SHOWN;
  return rest > 0 ? [...lines.slice(0, SHOWN), `and ${rest} more`] : lines;
}

/** In their order in the file. */
export function inOrder(mistakes: readonly Mistake[]): Mistake[] {
  return mistakes.toSorted(
    (one, other) => (one.line ?? 0) - (other.line ?? 0) || (one.column ?? 0) - (other.column ?? 0),
  );
}

/** `tasks.weather.subTasks[0].headers["X-Key"]` */
export function pathText(path: Path): string {
  return path.map(step).join('').replace(/^\./, '');
}

function step(key: PropertyKey): string {
  if (typeof key === 'number') return `[${key}]`;
  const name = String(key);
  return /^[\w$-]+$/.test(name) ? `.${name}` : `[${JSON.stringify(name)}]`;
}
