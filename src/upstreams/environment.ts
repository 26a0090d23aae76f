import { TaskDeclarationError } from '../tasks/task-declaration.js';
import { environmentMistake, HeaderTemplate } from './header-template.js';
import type { HttpRequestOptions } from './http-sub-task.schema.js';

export type Environment = Readonly<Record<string, string | undefined>>;

/** What is wrong with an environment variable that options name; `path` leads to the member that names it. */
export interface EnvironmentIssue {
  readonly path: readonly ['headers', string];
  readonly variable: string;
  readonly message: string;
}

/** The environment variables that options name and that are not set, or can't stand in a header. Never says a value. */
export function environmentIssues(options: HttpRequestOptions, environment: Environment): EnvironmentIssue[] {
  return Object.entries(options.headers ?? {}).flatMap(([header, text]) =>
    HeaderTemplate.parse(text).environment.flatMap((variable) => {
      const message = environmentMistake(variable, environment[variable]);
      return message === undefined ? [] : [{ path: ['headers', header] as const, variable, message }];
    }),
  );
}

/** @throws {TaskDeclarationError} that names each variable */
export function requireEnvironment(options: HttpRequestOptions, environment: Environment): void {
  const issues = environmentIssues(options, environment);
  if (issues.length === 0) return;
  throw new TaskDeclarationError(
    issues
      .map(({ path: [, header], message }) => `The header ${header} of ${options.url} ${message}`)
      .join('\n'),
  );
}
