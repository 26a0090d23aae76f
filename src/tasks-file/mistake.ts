/** The way to a value in the file: names of members and indexes of entries. */
export type Path = readonly PropertyKey[];

/** One thing that is wrong with a tasks file. Lines and columns count from 1. */
export interface Mistake {
  readonly line: number;
  readonly column: number;
  readonly path: Path;
  /** What is wrong, and the mend. */
  readonly message: string;
}

/** More than these are of no use to anybody: they are only counted. */
const SHOWN = 100;

/** Wrong tasks in a file. The message has a line for each mistake: file, line, column, member, what is wrong and the mend. */
export class TasksFileError extends Error {
  constructor(readonly lines: readonly string[]) {
    super(`TASKS_FILE is wrong:\n${lines.map((line) => `  ${line}`).join('\n')}`);
    this.name = 'TasksFileError';
  }
}

/** `tasks.yaml:12:7: tasks.weather.subTasks[0].url: is missing`, for each mistake, in their order in the file. */
export function mistakeLines(file: string, mistakes: readonly Mistake[]): string[] {
  const lines = mistakes
    .toSorted((one, other) => one.line - other.line || one.column - other.column)
    .map(({ line, column, path, message }) =>
      [`${file}:${line}:${column}`, ...(path.length > 0 ? [pathText(path)] : []), message].join(': '),
    );
  const rest = lines.length - SHOWN;
  return rest > 0 ? [...lines.slice(0, SHOWN), `${file}: and ${rest} more`] : lines;
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
