/** The way to a value in the file: names of members and indexes of entries. */
export type Path = readonly PropertyKey[];

/** Lines and columns count from 1. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** A mistake in a tasks file. It has no line when the file can't be read. */
export interface Mistake extends Partial<Place> {
  readonly file: string;
  readonly path: Path;
  /** The problem, and how to correct it. */
  readonly message: string;
}

/** Most mistakes that are shown. Further ones are only counted. */
const SHOWN = 100;

/** Tasks files have mistakes. The message has a line for each: file, line, column, member, the problem and how to correct it. */
export class TasksFileError extends Error {
  constructor(
    readonly lines: readonly string[],
    readonly mistakes: readonly Mistake[] = [],
  ) {
    super(`TASKS_FILE is wrong:\n${lines.map((line) => `  ${line}`).join('\n')}`);
    this.name = 'TasksFileError';
  }
}

/** One line for each mistake, such as `tasks.yaml:12:7: tasks.weather.subTasks[0].url: is missing`. */
export function mistakeLines(mistakes: readonly Mistake[]): string[] {
  const lines = mistakes.map(({ file, line, column, path, message }) =>
    [[file, line, column].filter((part) => part !== undefined).join(':'), pathText(path), message]
      .filter((part) => part !== '')
      .join(': '),
  );
  const rest = lines.length - SHOWN;
  return rest > 0 ? [...lines.slice(0, SHOWN), `and ${rest} more`] : lines;
}

/** Sorted by their place in the file. */
export function inOrder(mistakes: readonly Mistake[]): Mistake[] {
  return mistakes.toSorted(
    (one, other) => (one.line ?? 0) - (other.line ?? 0) || (one.column ?? 0) - (other.column ?? 0),
  );
}

/** A path as text, such as `tasks.weather.subTasks[0].headers["X-Key"]`. */
export function pathText(path: Path): string {
  return path.map(step).join('').replace(/^\./, '');
}

function step(key: PropertyKey): string {
  if (typeof key === 'number') return `[${key}]`;
  const name = String(key);
  return /^[\w$-]+$/.test(name) ? `.${name}` : `[${JSON.stringify(name)}]`;
}
